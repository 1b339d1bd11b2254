#include "daemon/core/dns_name.h"
#include "tests/support/catch.h"
#include "tests/support/fake_idna.h"

#include <string>
#include <unordered_set>
#include <vector>

using namespace danegate::core;
using danegate::test::fake_to_ascii;

namespace {

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

/// 253 octets in 63-octet labels: the longest name there is.
std::string longest() {
  const std::string label(63, 'a');
  return label + "." + label + "." + label + "." + std::string(61, 'b');
}

DnsName name(std::string_view text) {
  return DnsName::parse(text).value();
}

} // namespace

TEST_CASE("DNS names: what is accepted, and the canonical form") {
  struct Case {
    const char* label;
    std::string text;
    std::string canonical;
  };

  const std::vector<Case> cases{
      {"plain", "mta1.partner.example", "mta1.partner.example"},
      {"upper case", "MTA1.Partner.EXAMPLE", "mta1.partner.example"},
      {"one trailing dot", "mta1.partner.example.", "mta1.partner.example"},
      {"one label", "localhost", "localhost"},
      {"underscore labels", "_smtp-client.sensor7._device.example", "_smtp-client.sensor7._device.example"},
      {"digits and hyphens", "1-2-3.4.example", "1-2-3.4.example"},
      {"A-label as it stands", "xn--bcher-kva.example", "xn--bcher-kva.example"},
      {"label of 63", std::string(63, 'x') + ".example", std::string(63, 'x') + ".example"},
      {"253 octets", longest(), longest()},
      {"253 octets and a dot", longest() + ".", longest()},
      {"127 labels", repeat("a.", 126) + "a", repeat("a.", 126) + "a"},
      {"U-label", "bücher.example", "xn--bcher-kva.example"},
      {"the converter's output is canonicalised", "BÜCHER.example", "xn--bcher-kva.example"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto parsed = DnsName::parse(c.text, fake_to_ascii);
    REQUIRE(parsed.has_value());
    CHECK(parsed->text() == c.canonical);
    CHECK(*parsed == name(c.canonical));
  }
}

TEST_CASE("DNS names: what is refused, and why") {
  struct Case {
    const char* label;
    std::string text;
    NameError error;
  };

  const std::vector<Case> cases{
      {"nothing", "", NameError::empty},
      {"empty label", "a..example", NameError::empty_label},
      {"leading dot", ".example", NameError::empty_label},
      {"two trailing dots", "a.example..", NameError::empty_label},
      {"label of 64", std::string(64, 'x') + ".example", NameError::label_too_long},
      {"254 octets", longest() + "b", NameError::too_long},
      {"far too long", repeat("abcdefg.", 4000) + "example", NameError::too_long},
      {"space", "a b.example", NameError::bad_character},
      {"leading space", " a.example", NameError::bad_character},
      {"wildcard", "*.example", NameError::bad_character},
      {"escape", "a\\.b.example", NameError::bad_character},
      {"slash", "a/b.example", NameError::bad_character},
      {"at sign", "a@b.example", NameError::bad_character},
      {"colon", "a:b.example", NameError::bad_character},
      {"address literal", "[192.0.2.1]", NameError::bad_character},
      {"newline", "a.example\n", NameError::bad_character},
      {"NUL", std::string("a\0b.example", 11), NameError::bad_character},
      {"DEL", "a\x7f.example", NameError::bad_character},
      {"no A-label form", "köln.example", NameError::no_a_label},
      {"broken UTF-8", "k\xf6ln.example", NameError::no_a_label},
      {"a converter that lets a space through", "böse.example", NameError::bad_character},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto parsed = DnsName::parse(c.text, fake_to_ascii);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(describe(parsed.error()) == describe(c.error));
    CHECK_FALSE(describe(parsed.error()).empty());
  }
}

TEST_CASE("DNS names: the root is never a name") {
  CHECK_FALSE(DnsName::parse(".").has_value());
  CHECK_FALSE(DnsName::parse("..").has_value());
}

TEST_CASE("DNS names: without a converter non-ASCII text has no A-label form") {
  const auto parsed = DnsName::parse("bücher.example");
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error() == NameError::no_a_label);
}

TEST_CASE("DNS names: one octet beyond ASCII is seen wherever it stands") {
  for (std::size_t length = 1; length <= 20; ++length)
    for (std::size_t at = 0; at < length; ++at)
      for (const char octet : {'\x80', '\xff'}) {
        std::string text(length, 'a');
        text[at] = octet;
        INFO(length << " octets, at " << at);
        const auto parsed = DnsName::parse(text);
        REQUIRE_FALSE(parsed.has_value());
        CHECK(parsed.error() == NameError::no_a_label);
      }
}

TEST_CASE("DNS names: every error has its own words") {
  std::unordered_set<std::string> seen;
  for (const NameError e : {NameError::empty, NameError::too_long, NameError::empty_label, NameError::label_too_long,
                            NameError::bad_character, NameError::no_a_label})
    seen.emplace(describe(e));
  CHECK(seen.size() == 6);
}

TEST_CASE("DNS names: labels") {
  CHECK(name("localhost").label_count() == 1);
  CHECK(name("a.b.c.example.").label_count() == 4);
  CHECK(name("a.b.c.example").first_label() == "a");
  CHECK(name("localhost").first_label() == "localhost");
  CHECK(name("a._device.example").has_label("_device"));
  CHECK(name("a._DEVICE.example").has_label("_device"));
  CHECK(name("a.example").has_label("example"));
  CHECK_FALSE(name("a.my_device.example").has_label("_device"));
  CHECK_FALSE(name("a._devices.example").has_label("_device"));
  CHECK_FALSE(name("a.example").has_label("a.example"));
}

TEST_CASE("DNS names: parents") {
  const auto parent = name("_smtp-client.mta1.example").parent();
  REQUIRE(parent.has_value());
  CHECK(parent->text() == "mta1.example");
  CHECK_FALSE(name("example").parent().has_value());
}

TEST_CASE("DNS names: within and below go by labels") {
  struct Case {
    const char* label;
    const char* name;
    const char* ancestor;
    bool within;
    bool below;
  };

  const std::vector<Case> cases{
      {"equal", "acme.example", "acme.example", true, false},
      {"one below", "mta1.acme.example", "acme.example", true, true},
      {"three below", "a.b.c.acme.example", "acme.example", true, true},
      {"text suffix, other label", "evilacme.example", "acme.example", false, false},
      {"text suffix below another", "x.evilacme.example", "acme.example", false, false},
      {"above", "example", "acme.example", false, false},
      {"prefix", "acme.example", "acme", false, false},
      {"sibling", "beta.example", "acme.example", false, false},
      {"case", "MTA1.ACME.example", "acme.EXAMPLE", true, true},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK(name(c.name).is_within(name(c.ancestor)) == c.within);
    CHECK(name(c.name).is_below(name(c.ancestor)) == c.below);
  }
}

TEST_CASE("DNS names: equal names hash alike") {
  CHECK(std::hash<DnsName>{}(name("A.Example.")) == std::hash<DnsName>{}(name("a.example")));
  CHECK(name("a.example") != name("b.example"));
  CHECK(name("a.example") < name("b.example"));
}

TEST_CASE("ASCII case is folded without a locale") {
  CHECK(ascii_lower("AbZ[@`{\xc3\x84") == "abz[@`{\xc3\x84");
  CHECK(ascii_lower("").empty());
  CHECK(ascii_iequals("Alice", "aLICE"));
  CHECK(ascii_iequals("", ""));
  CHECK_FALSE(ascii_iequals("alice", "alic"));
  CHECK_FALSE(ascii_iequals("[", "{")); // 0x20 apart, and no letters
  CHECK_FALSE(ascii_iequals("@", "`"));
  CHECK_FALSE(ascii_iequals("\xc3\x84", "\xc3\xa4")); // Ä and ä: not ASCII
}
