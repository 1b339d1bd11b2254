// What can be judged with which mail server's evidence.
#include "daemon/ctl/usability.h"

#include "daemon/tls/hash.h"
#include "tests/support/catch.h"

namespace danegate::ctl {

namespace {

const auto owner = *core::DnsName::parse("_smtp-client.mta1.acme.example");

core::TlsaRecord record(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching, std::size_t octets) {
  return {usage, selector, matching, core::Bytes(octets, 0xab)};
}

/// One letter for each server that can judge the record: p, k (raw key), s, e.
std::string servers(const WhyNot& why) {
  constexpr std::string_view letters = "pkse";
  std::string found;
  for (std::size_t i = 0; i < why.size(); ++i)
    if (why[i].empty()) found += letters[i];
  return found;
}

std::string alone(core::TlsaRecord each) {
  const auto records = usability({{std::move(each)}, 0, core::Wildcard::none}, owner, tls::hash);
  REQUIRE(records.size() == 1);
  CHECK(any_usable(records) == !servers(records.front()).empty());
  return servers(records.front());
}

} // namespace

TEST_CASE("Records by themselves", "[ctl]") {
  CHECK(alone(record(3, 1, 1, 32)) == "pke");
  CHECK(alone(record(3, 0, 1, 32)) == "pse");
  CHECK(alone(record(3, 1, 2, 64)) == "e");
  CHECK(alone(record(3, 0, 0, 300)) == "pse");
  CHECK(alone(record(3, 1, 0, 91)) == "pke");
  CHECK(alone(record(1, 0, 1, 32)) == "e");
  CHECK(alone(record(2, 0, 1, 32)).empty());
  CHECK(alone(record(0, 1, 1, 32)).empty());
  CHECK(alone(record(3, 1, 1, 31)).empty());
  CHECK(alone(record(3, 2, 1, 32)).empty());
  CHECK(alone(record(4, 1, 1, 32)).empty());
}

TEST_CASE("A stronger digest beside it outdoes a record for who can judge both", "[ctl]") {
  const auto records =
      usability({{record(3, 1, 1, 32), record(3, 1, 2, 64)}, 0, core::Wildcard::none}, owner, tls::hash);
  CHECK(servers(records[0]) == "pk");
  CHECK(records[0][3] == "a stronger digest is published for the same usage and selector");
  CHECK(servers(records[1]) == "e");
}

TEST_CASE("No records", "[ctl]") {
  CHECK_FALSE(any_usable(usability({}, owner, tls::hash)));
}

} // namespace danegate::ctl
