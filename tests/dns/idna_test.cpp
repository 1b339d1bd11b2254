#include "daemon/dns/idna.h"

#include "daemon/core/dns_name.h"
#include "tests/support/catch.h"

using namespace danegate;

TEST_CASE("to_ascii: A-labels") {
  // The right column is what "idn2 --no-tr46" and browsers show for these; ß and ς tell IDNA 2008 from IDNA 2003.
  struct Row {
    const char* utf8;
    const char* ascii;
  };

  const Row rows[] = {
      {"bücher.example", "xn--bcher-kva.example"},
      {"BÜCHER.Example", "xn--bcher-kva.example"},
      {"bu\u0308cher.example", "xn--bcher-kva.example"}, // decomposed: normalised first
      {"faß.example", "xn--fa-hia.example"},
      {"βόλος.example", "xn--nxasmm1c.example"},
      {"例え.テスト", "xn--r8jz45g.xn--zckzah"},
      {"例え。テスト", "xn--r8jz45g.xn--zckzah"}, // ideographic full stop
      {"_smtp-client.bücher.example", "_smtp-client.xn--bcher-kva.example"},
      {"plain.example", "plain.example"},
      {"xn--bcher-kva.example", "xn--bcher-kva.example"},
  };
  for (const auto& row : rows) {
    INFO(row.utf8);
    CHECK(dns::to_ascii(row.utf8) == std::string(row.ascii));
  }
}

TEST_CASE("to_ascii: no A-label form") {
  using std::string_view_literals::operator""sv;
  const std::string_view rows[] = {
      ""sv,
      "b\xfc"
      "cher.example"sv,         // Latin-1
      "b\xc3"sv,                // cut short
      "b\0b\xc3\xbc.example"sv, // NUL
      "\xed\xa0\x80.example"sv, // a surrogate
      "\u0300bc.example"sv,     // begins with a combining mark
      "a\u2028b.example"sv,     // line separator
      "א1a.example"sv,          // mixed directions (RFC 5893)
      "xn--\u00fc.example"sv,   // pretends to be converted
  };
  for (const auto row : rows) {
    INFO(row);
    CHECK_FALSE(dns::to_ascii(row));
  }
  std::string endless;
  while (endless.size() <= dns::max_u_labels)
    endless += "ü.";
  CHECK_FALSE(dns::to_ascii(endless));
  std::string long_label = "ü";
  long_label += std::string(64, 'a');
  CHECK_FALSE(dns::to_ascii(long_label));
}

TEST_CASE("to_ascii: as DnsName uses it") {
  const auto name = core::DnsName::parse("_SMTP-client.Bücher.example.", dns::to_ascii);
  REQUIRE(name);
  CHECK(name->text() == "_smtp-client.xn--bcher-kva.example");
  CHECK_FALSE(core::DnsName::parse("b\xfc.example", dns::to_ascii));
}
