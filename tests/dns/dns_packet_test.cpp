#include "daemon/dns/dns_packet.h"

#include "tests/support/catch.h"

using namespace danegate;
using dns::WireName;

namespace {

WireName name(const char* text) {
  const auto parsed = WireName::from_text(text);
  REQUIRE(parsed);
  return *parsed;
}

} // namespace

TEST_CASE("WireName: text of names, labels kept apart") {
  struct Row {
    const char* in;
    const char* out;
  };

  const Row rows[] = {
      {".", ""},
      {"Example.COM", "example.com"},
      {"example.com.", "example.com"},
      {"*._device.example", "*._device.example"},
      {"a\\.b.example", "a?b.example"},           // one label, not two
      {"\\095device.example", "_device.example"}, // the octet counts, not its spelling
      {"\\000\\255x.example", "??x.example"},
  };
  for (const auto& row : rows) {
    INFO(row.in);
    CHECK(name(row.in).text() == row.out);
  }
  for (const std::string& bad :
       {std::string("a..b"), std::string(64, 'a') + ".example", std::string("\\300.example"),
        std::string(63, 'a') + "." + std::string(63, 'b') + "." + std::string(63, 'c') + "." + std::string(62, 'd')}) {
    INFO(bad);
    CHECK_FALSE(WireName::from_text(bad.c_str()));
  }
}

TEST_CASE("WireName: below means below, on label boundaries") {
  struct Row {
    const char* name;
    const char* ancestor;
    bool below;
  };

  const Row rows[] = {
      {"a.example", "example", true},
      {"A.Example", "EXAMPLE", true},
      {"a.b.example", "example", true},
      {"example", "example", false},
      {"xexample", "example", false},
      {"a.example", ".", true},
      {"a\\.example", "example", false},
      {".", ".", false},
      {"example", "a.example", false},
      {"a.\\007example", "example", false},
      {"a.b", "a.c", false},
  };
  for (const auto& row : rows) {
    INFO(row.name << " below " << row.ancestor);
    CHECK(name(row.name).is_below(name(row.ancestor)) == row.below);
  }
  CHECK_FALSE(name("a.example").is_below(WireName()));
}

TEST_CASE("WireName: a DNAME replaces the suffix") {
  const auto moved = name("_smtp-client.mta.old.example").with_suffix(name("old.example"), name("new.example"));
  REQUIRE(moved);
  CHECK(*moved == name("_smtp-client.mta.new.example"));
  CHECK(name("a.old.example").with_suffix(name("old.example"), name(".")) == name("a"));
  CHECK_FALSE(name("old.example").with_suffix(name("old.example"), name("new.example"))); // itself stays
  CHECK_FALSE(name("a.other.example").with_suffix(name("old.example"), name("new.example")));
  const std::string label(63, 'x');
  const auto longest = label + "." + label + "." + label + "." + std::string(55, 'y') + ".old";
  CHECK(name(longest.c_str()).with_suffix(name("old"), name("new.z")));
  CHECK_FALSE(name(longest.c_str()).with_suffix(name("old"), name("new.zz")));
}

TEST_CASE("Record fields: what is too short to hold them is refused") {
  const core::Bytes rdata{0, 52, 13, 4, 0, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0};
  dns::Record signature{.owner = {}, .type = dns::rrtype::rrsig, .ttl = 1, .rdata = rdata, .target = {}};
  REQUIRE(dns::signature_fields(signature));
  CHECK(dns::signature_fields(signature)->covers == dns::rrtype::tlsa);
  CHECK(dns::signature_fields(signature)->labels == 4);
  signature.rdata = signature.rdata.first(18);
  CHECK_FALSE(dns::signature_fields(signature));

  core::Bytes soa(22);
  soa[21] = 60;
  dns::Record record{.owner = {}, .type = dns::rrtype::soa, .ttl = 100, .rdata = soa, .target = {}};
  CHECK(dns::denial_ttl(record) == 60);
  record.ttl = 30;
  CHECK(dns::denial_ttl(record) == 30);
  record.rdata = record.rdata.first(21);
  CHECK(dns::denial_ttl(record) == 0);
}
