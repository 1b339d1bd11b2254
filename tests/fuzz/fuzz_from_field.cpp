// Any text as the value of a header From.
#include "milter/from_field.h"
#include "tests/fuzz/require.h"
#include "tests/support/fake_idna.h"

#include <algorithm>

using namespace danegate::milter;
using danegate::core::DnsName;
using danegate::core::MailAddress;
using danegate::test::fake_to_ascii;
using danegate::test::require;

namespace {

HeaderFrom read(std::string_view value) {
  return read_from(value, DnsName::parse("origin.example").value(), fake_to_ascii);
}

std::string written(const MailAddress& address) {
  std::string text = "x <\"";
  for (const char c : address.local)
    text.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
  return text + "\"@" + address.domain->text() + ">, ";
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string value(data, data + size);
  const HeaderFrom from = read(value);
  require(!from.addresses.empty() || !from.unreadable.empty(), "a From has addresses or text");
  require(from.hidden == Hidden::nothing || !from.unreadable.empty(), "what parses hides nothing");
  if (from.unreadable.empty()) {
    std::string again;
    for (const MailAddress& address : from.addresses)
      again += written(address);
    const HeaderFrom same = read(again);
    require(same.unreadable.empty() || again.size() > max_from_text, "what was read is read again");
    require(std::ranges::equal(from.addresses, same.addresses, danegate::core::same_mailbox) ||
                !same.unreadable.empty(),
            "as the same");
  }
  const DnsName acme = DnsName::parse("acme.example").value();
  const HeaderFrom all = read(size % 2 == 0 ? value + ", <ceo@ACME.example>" : "ceo(" + value + ")@acme.example");
  const auto is_acme = [&](const MailAddress& address) { return address.domain == acme; };
  require(std::ranges::any_of(all.addresses, is_acme) || all.mentions(acme), "nothing beside it hides a domain");
  return 0;
}
