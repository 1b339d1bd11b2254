#include "policy/request.h"

#include "daemon/core/dns_name.h"

#include <algorithm>
#include <utility>

namespace danegate::policy {
namespace {

constexpr std::array<std::string_view, attribute_count> names{"request",
                                                              "protocol_state",
                                                              "client_address",
                                                              "client_name",
                                                              "client_port",
                                                              "server_address",
                                                              "server_port",
                                                              "helo_name",
                                                              "sender",
                                                              "recipient",
                                                              "recipient_count",
                                                              "queue_id",
                                                              "instance",
                                                              "sasl_method",
                                                              "sasl_username",
                                                              "ccert_subject",
                                                              "ccert_issuer",
                                                              "ccert_fingerprint",
                                                              "ccert_pubkey_fingerprint",
                                                              "encryption_protocol",
                                                              "encryption_cipher",
                                                              "policy_context"};

static_assert(static_cast<std::size_t>(Attribute::policy_context) + 1 == attribute_count);
static_assert(names[static_cast<std::size_t>(Attribute::recipient_count)] == "recipient_count");
static_assert(names[static_cast<std::size_t>(Attribute::ccert_fingerprint)] == "ccert_fingerprint");
static_assert(names.back() == "policy_context");

static_assert(RequestScanner::max_line == 8192 && RequestScanner::max_attributes == 200, "describe() says so");
static_assert(std::uint64_t{RequestScanner::max_line + 2} * (RequestScanner::max_attributes + 1) < UINT32_MAX);

constexpr std::string_view the_request = "smtpd_access_policy";

constexpr std::size_t longest_name = std::ranges::max(names, {}, &std::string_view::size).size();

constexpr std::size_t places = 64;

/// A place for each name that no other has: one comparison tells whether a name is one of ours. The factors were found
/// by trying; the compiler says so where another name makes two meet.
constexpr std::size_t place_of(std::string_view name) noexcept {
  const auto octet = [](char c) { return std::size_t{static_cast<unsigned char>(c)}; };
  return (name.size() + octet(name.front()) * 9 + octet(name.back()) * 10) % places;
}

constexpr auto names_by_place = [] {
  std::array<std::uint8_t, places> table{}; // 1 + index; 0: nobody's
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto& entry = table.at(place_of(names.at(i)));
    if (entry != 0) throw "two names have one place";
    entry = static_cast<std::uint8_t>(i + 1);
  }
  return table;
}();

/// `name` is not empty.
std::optional<std::size_t> index_of(std::string_view name) noexcept {
  if (name.size() > longest_name) return std::nullopt;
  const std::uint8_t entry = names_by_place[place_of(name)];
  if (entry == 0 || names[entry - std::size_t{1}] != name) return std::nullopt;
  return entry - std::size_t{1};
}

std::string_view without_cr(std::string_view line) noexcept {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

} // namespace

std::string_view name_of(Attribute attribute) noexcept {
  return names[static_cast<std::size_t>(attribute)];
}

std::string_view token(RequestError error) noexcept {
  switch (error) {
  case RequestError::too_large: return "too-large";
  case RequestError::line_too_long: return "line-too-long";
  case RequestError::too_many_attributes: return "too-many-attributes";
  case RequestError::nul_octet: return "nul-octet";
  case RequestError::no_equals_sign: return "no-equals-sign";
  case RequestError::wrong_request: return "wrong-request";
  case RequestError::contradiction: return "contradiction";
  }
  return "unknown";
}

std::string_view describe(RequestError error) noexcept {
  switch (error) {
  case RequestError::too_large: return "the request is larger than limits.request-bytes";
  case RequestError::line_too_long: return "a line is longer than 8192 octets";
  case RequestError::too_many_attributes: return "there are more than 200 attributes";
  case RequestError::nul_octet: return "there is a NUL octet";
  case RequestError::no_equals_sign: return "a line is not name=value";
  case RequestError::wrong_request: return "request=smtpd_access_policy is missing";
  case RequestError::contradiction: return "an attribute was given twice with different values";
  }
  return "unknown";
}

std::expected<std::optional<std::size_t>, RequestError> RequestScanner::scan(std::string_view buffer) noexcept {
  // What stands behind the end of this request is the next one's.
  const std::size_t nul = std::min(buffer.find('\0', scanned_), buffer.size());
  while (scanned_ < buffer.size()) {
    const std::size_t end = buffer.find('\n', scanned_);
    const std::size_t stop = std::min(end, buffer.size());
    if (nul < stop) return std::unexpected(RequestError::nul_octet);
    const std::string_view line = without_cr(buffer.substr(line_start_, stop - line_start_));
    if (line.size() > max_line) return std::unexpected(RequestError::line_too_long);
    if (end == std::string_view::npos) {
      scanned_ = buffer.size();
      break;
    }
    scanned_ = line_start_ = end + 1;
    if (scanned_ > max_octets_) return std::unexpected(RequestError::too_large);
    if (line.empty()) return scanned_;
    if (const auto error = take_line(buffer, line)) return std::unexpected(*error);
  }
  // At the limit and no end: the octet that would end it is one too many.
  if (scanned_ >= max_octets_) return std::unexpected(RequestError::too_large);
  return std::nullopt;
}

std::optional<RequestError> RequestScanner::take_line(std::string_view buffer, std::string_view line) noexcept {
  const std::size_t equals = line.find('=');
  if (equals == std::string_view::npos || equals == 0) return RequestError::no_equals_sign;
  if (++lines_ > max_attributes) return RequestError::too_many_attributes;
  const auto index = index_of(line.substr(0, equals));
  if (!index) return std::nullopt;
  const std::string_view value = line.substr(equals + 1);
  Place& place = places_[*index];
  if (place.begin != 0 && buffer.substr(place.begin, place.length) != value) return RequestError::contradiction;
  place = {static_cast<std::uint32_t>(value.data() - buffer.data()), static_cast<std::uint32_t>(value.size())};
  return std::nullopt;
}

std::expected<Request, RequestError> RequestScanner::request(std::string_view buffer) const noexcept {
  Request request;
  for (std::size_t i = 0; i < places_.size(); ++i) {
    const auto [begin, length] = places_[i];
    if (begin != 0) request.values_[i] = {buffer.data() + begin, length};
  }
  if (request.get(Attribute::request) != the_request) return std::unexpected(RequestError::wrong_request);
  return request;
}

std::expected<Request, RequestError> Request::parse(std::string_view text) {
  RequestScanner scanner{text.size()};
  const auto length = scanner.scan(text);
  if (!length) return std::unexpected(length.error());
  return scanner.request(text);
}

Stage stage_of(std::string_view protocol_state) noexcept {
  struct Word {
    std::string_view text;
    Stage stage;
  };

  static constexpr std::array<Word, 10> words{{{"RCPT", Stage::rcpt},
                                               {"DATA", Stage::data},
                                               {"END-OF-MESSAGE", Stage::end_of_message},
                                               {"MAIL", Stage::mail},
                                               {"CONNECT", Stage::before_mail},
                                               {"EHLO", Stage::before_mail},
                                               {"HELO", Stage::before_mail},
                                               {"VRFY", Stage::other_command},
                                               {"ETRN", Stage::other_command},
                                               {"BDAT", Stage::data}}};
  const auto found =
      std::ranges::find_if(words, [&](const Word& word) { return core::ascii_iequals(word.text, protocol_state); });
  return found == words.end() ? Stage::unknown : found->stage;
}

} // namespace danegate::policy
