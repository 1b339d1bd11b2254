// Any two lines: an envelope address, and a pattern of a rule.
#include "daemon/core/mail_address.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/support/fake_idna.h"

using namespace danegate::core;
using danegate::test::fake_to_ascii;
using danegate::test::require;
using Kind = AddressPattern::Kind;

namespace {

const std::optional<DnsName> origin = DnsName::parse("origin.example").value();

MailAddress read(const std::string& text) {
  const auto address = MailAddress::parse(text, origin, fake_to_ascii);
  require(address.local.size() <= text.size(), "a local part comes from the text");
  if (address.domain) {
    const auto again = MailAddress::parse(address.text(), std::nullopt, nullptr);
    require(again.local == address.local && again.domain == address.domain, "what was read is read again");
  }
  if (danegate::test::is_ascii(text))
    require(same_mailbox(MailAddress::parse(danegate::test::shouted(text), origin, nullptr), address),
            "letter case does not count");
  return address;
}

void look_at(const AddressPattern& pattern, const MailAddress& address) {
  require(pattern.matches(MailAddress{}) == (pattern.kind() == Kind::null_sender), "one pattern has the null sender");
  require((pattern.kind() != Kind::null_sender && pattern.kind() != Kind::local_part) == pattern.domain().has_value(),
          "patterns of names have one");
  if (!pattern.domain()) return require(pattern.matches(pattern.address()), "a pattern without one has a mailbox");
  const DnsName& domain = *pattern.domain();
  const std::string& local = pattern.address().local;
  require(pattern.matches({local, domain}), "a pattern matches its own");
  require(!pattern.matches(address) || (address.domain && address.domain->is_within(domain)), "and nothing outside");
  if (const auto below = DnsName::parse("x." + domain.text()))
    require(pattern.matches({local, *below}) == (pattern.kind() == Kind::subtree), "below it only with a dot");
  if (const auto beside = DnsName::parse("x" + domain.text()))
    require(!pattern.matches({local, *beside}), "and never beside it");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = danegate::test::text_of(data, size);
  const std::size_t end = std::min(text.find('\n'), text.size());
  const auto address = read(text.substr(0, end));
  const std::string second = text.substr(std::min(end + 1, size));
  for (const bool bare_local : {false, true})
    if (const auto pattern = AddressPattern::parse(second, bare_local, fake_to_ascii)) look_at(*pattern, address);
  if (!address.domain || address.local.empty()) return 0;
  const auto own = AddressPattern::parse(address.text(), false, nullptr);
  require(own && own->kind() == Kind::mailbox && own->matches(address), "an address is a pattern, of itself");
  return 0;
}
