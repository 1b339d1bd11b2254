// Any two lines as domain names: as the core has them, and as they travel.
#include "daemon/core/dns_name.h"
#include "daemon/dns/dns_packet.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/support/fake_idna.h"

using danegate::core::DnsName;
using danegate::dns::WireName;
using danegate::test::fake_to_ascii;
using danegate::test::require;

namespace {

std::optional<DnsName> read(const std::string& text) {
  const auto wire = WireName::from_text(text.c_str());
  if (wire) require(wire->text().size() <= 254 && !wire->is_below(*wire), "a name on the wire has its bounds");
  const auto name = DnsName::parse(text, fake_to_ascii);
  if (!name) return std::nullopt;
  require(DnsName::parse(name->text()) == *name, "what was read is read again");
  require(!danegate::test::is_ascii(text) || DnsName::parse(danegate::test::shouted(text)) == *name,
          "in any letter case");
  require(DnsName::parse(name->text() + ".") == *name, "with a dot behind it");
  require(name->text().size() <= DnsName::max_length && danegate::test::is_printable(name->text()), "it is one");
  require(name->is_within(*name) && !name->is_below(*name), "a name is within itself, not below");
  require(name->has_label(name->first_label()) && name->label_count() <= 127, "it has labels");
  const auto parent = name->parent();
  require(parent.has_value() == (name->label_count() > 1), "and a parent if there are several");
  if (parent) {
    require(name->is_below(*parent) && !parent->is_within(*name), "it is below its parent");
    require(std::string(name->first_label()) + "." + parent->text() == name->text(), "by one label");
    require(DnsName::parse(parent->text()) == *parent, "which is a name");
  }
  const auto same = WireName::from_text(name->text().c_str());
  require(same && same->text() == name->text(), "and goes over the wire as it is");
  return *name;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = danegate::test::text_of(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto a = read(text.substr(0, end));
  const auto b = read(text.substr(std::min(end + 1, size)));
  if (!a || !b) return 0;
  const bool below = ("." + a->text()).ends_with("." + b->text()) && a->text() != b->text();
  require(a->is_below(*b) == below, "below means on label boundaries");
  const auto wire_a = WireName::from_text(a->text().c_str());
  const auto wire_b = WireName::from_text(b->text().c_str());
  require(wire_a->is_below(*wire_b) == below && (*wire_a == *wire_b) == (*a == *b), "on the wire, too");
  const auto moved = DnsName::parse("x." + b->text());
  const auto wire_moved = WireName::from_text(("x." + b->text()).c_str());
  require(moved.has_value() == wire_moved.has_value(), "one bound for both");
  if (moved)
    require(wire_moved->with_suffix(*wire_b, *wire_a).has_value() == DnsName::parse("x." + a->text()).has_value(),
            "a suffix is replaced as long as there is room");
  return 0;
}
