#include "milter/from_field.h"

#include "milter/address_list.h"
#include "milter/encoded_words.h"
#include "milter/lenient_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace danegate::milter {
namespace {

void raise(Hidden& hidden, Hidden level) noexcept {
  hidden = std::max(hidden, level);
}

void add_readings(HeaderFrom& field, std::string_view text, core::ToAscii to_ascii) {
  Readings readings = lenient_readings(text, to_ascii);
  for (std::string& reading : readings.texts)
    if (std::ranges::find(field.unreadable, reading) == field.unreadable.end())
      field.unreadable.push_back(std::move(reading));
  if (readings.unconverted) raise(field.hidden, Hidden::a_labels);
  if (readings.exhausted) raise(field.hidden, Hidden::anything);
}

void add_unreadable(HeaderFrom& field, std::string_view value, core::ToAscii to_ascii) {
  add_readings(field, value, to_ascii);
  const DecodedText decoded = decode_encoded_words(value);
  if (!decoded.complete) raise(field.hidden, Hidden::anything);
  if (decoded.text != value) add_readings(field, decoded.text, to_ascii);
}

HeaderFrom beyond_bounds(std::string_view value, core::ToAscii to_ascii) {
  HeaderFrom field;
  field.hidden = Hidden::anything;
  add_unreadable(field, value.substr(0, max_from_text), to_ascii);
  return field;
}

core::MailAddress address_of(const AddrSpec& spec, const std::optional<core::DnsName>& origin, core::ToAscii to_ascii) {
  if (spec.domain && spec.domain->starts_with('[')) return {spec.local, std::nullopt};
  if (spec.domain) return core::MailAddress::parse(spec.local + '@' + *spec.domain, origin, to_ascii);
  if (spec.quoted) return {spec.local, origin}; // an "@" or "!" in it is not the mail server's
  return core::MailAddress::parse(spec.local, origin, to_ascii);
}

bool is_doubtful(const AddrSpec& spec, const core::MailAddress& address) noexcept {
  return !spec.domain || !address.domain || spec.routed || spec.local.contains("=?") || spec.local.contains("?=");
}

} // namespace

HeaderFrom read_from(std::string_view value, const std::optional<core::DnsName>& origin, core::ToAscii to_ascii) {
  if (value.size() > max_from_text) return beyond_bounds(value, to_ascii);
  const auto specs = parse_address_list(value);
  if (specs && specs->size() > max_from_addresses) return beyond_bounds(value, to_ascii);
  HeaderFrom field;
  bool doubt = !specs || specs->empty();
  if (specs) {
    for (const AddrSpec& spec : *specs) {
      field.addresses.push_back(address_of(spec, origin, to_ascii));
      doubt = doubt || is_doubtful(spec, field.addresses.back());
    }
  }
  if (doubt) add_unreadable(field, value, to_ascii);
  return field;
}

void add(HeaderFrom& into, HeaderFrom more) {
  const auto octets = [](const HeaderFrom& field) {
    std::size_t sum = 0;
    for (const std::string& text : field.unreadable)
      sum += text.size();
    return sum;
  };
  raise(into.hidden, more.hidden);
  if (into.addresses.size() + more.addresses.size() > max_from_addresses ||
      octets(into) + octets(more) > max_unreadable_text) {
    into.hidden = Hidden::anything;
    return;
  }
  std::ranges::move(more.addresses, std::back_inserter(into.addresses));
  std::ranges::move(more.unreadable, std::back_inserter(into.unreadable));
}

} // namespace danegate::milter
