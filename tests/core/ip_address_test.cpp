#include "daemon/core/ip_address.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::core;

TEST_CASE("client addresses: every form a mail server sends") {
  struct Case {
    const char* label;
    const char* text;
    const char* canonical;
    bool v4;
  };

  const std::vector<Case> cases{
      {"IPv4", "192.0.2.1", "192.0.2.1", true},
      {"IPv4 limits", "255.255.255.255", "255.255.255.255", true},
      {"IPv4 any", "0.0.0.0", "0.0.0.0", true},
      {"IPv6", "2001:db8::1", "2001:db8::1", false},
      {"IPv6 in full and upper case", "2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1", false},
      {"loopback", "::1", "::1", false},
      {"any", "::", "::", false},
      {"mapped", "::ffff:192.0.2.1", "192.0.2.1", true},
      {"mapped, in hexadecimal", "::ffff:c000:201", "192.0.2.1", true},
      {"macro prefix", "IPv6:2001:db8::1", "2001:db8::1", false},
      {"macro prefix on loopback", "IPv6:::1", "::1", false},
      {"macro prefix on mapped", "IPv6:::ffff:192.0.2.1", "192.0.2.1", true},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto parsed = IpAddress::parse(c.text);
    REQUIRE(parsed.has_value());
    CHECK(parsed->text() == c.canonical);
    CHECK(parsed->is_v4() == c.v4);
    CHECK(IpAddress::parse(parsed->text()) == parsed);
  }
  CHECK(IpAddress::parse("::ffff:192.0.2.1") == IpAddress::parse("192.0.2.1"));
  CHECK(IpAddress::parse("IPv6:2001:db8::1") == IpAddress::parse("2001:db8::1"));
  // An IPv4-compatible address (RFC 4291 section 2.5.5.1) is no IPv4 address.
  CHECK_FALSE(IpAddress::parse("::192.0.2.1").value().is_v4());
}

TEST_CASE("client addresses: octets are in network order, IPv4 mapped") {
  const auto v4 = IpAddress::parse("192.0.2.1").value().bytes();
  const std::array<std::uint8_t, 16> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
  CHECK(v4 == mapped);
  const auto v6 = IpAddress::parse("2001:db8::1").value().bytes();
  const std::array<std::uint8_t, 16> expected{0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  CHECK(v6 == expected);
}

TEST_CASE("client addresses: what is none") {
  const std::vector<std::string> cases{
      "",
      "unknown",
      "192.0.2",
      "192.0.2.256",
      "192.0.2.1 ",
      " 192.0.2.1",
      "192.0.2.1.",
      "192.0.2.1/32",
      "0x7f.0.0.1",
      "1",
      "2001:db8::1%eth0",
      "[::1]",
      "[192.0.2.1]",
      "2001:db8",
      "2001:db8::1::2",
      "::ffff:192.0.2.256",
      "IPv6:",
      "IPv6:unknown",
      "mta1.example",
      "::1\n",
      std::string("::1\0", 4),
      std::string(5000, '1'),
      std::string(5000, ':'),
  };
  for (const std::string& text : cases) {
    CAPTURE(text.substr(0, 60));
    CHECK_FALSE(IpAddress::parse(text).has_value());
  }
}

TEST_CASE("limits per client count an IPv6 /64 as one client") {
  const auto key = [](const char* text) { return IpAddress::parse(text).value().client_key(); };
  CHECK(key("2001:db8:0:1::1") == key("2001:db8:0:1:ffff:ffff:ffff:ffff"));
  CHECK(key("2001:db8:0:1::1") != key("2001:db8:0:2::1"));
  CHECK(key("192.0.2.1") == key("::ffff:192.0.2.1"));
  CHECK(key("192.0.2.1") != key("192.0.2.2"));
  CHECK(key("192.0.2.1") != key("::1"));
}

TEST_CASE("networks: which addresses they contain") {
  struct Case {
    const char* network;
    const char* address;
    bool contains;
  };

  const std::vector<Case> cases{
      {"192.0.2.0/24", "192.0.2.0", true},
      {"192.0.2.0/24", "192.0.2.255", true},
      {"192.0.2.0/24", "::ffff:192.0.2.7", true},
      {"192.0.2.0/24", "192.0.3.0", false},
      {"192.0.2.0/24", "::c000:207", false},
      {"192.0.2.128/25", "192.0.2.128", true},
      {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.6/31", "192.0.2.7", true},
      {"192.0.2.6/31", "192.0.2.8", false},
      {"192.0.2.7", "192.0.2.7", true},
      {"192.0.2.7", "192.0.2.6", false},
      {"192.0.2.7/32", "192.0.2.7", true},
      {"0.0.0.0/0", "203.0.113.9", true},
      {"0.0.0.0/0", "2001:db8::1", false},
      {"128.0.0.0/1", "192.0.2.1", true},
      {"128.0.0.0/1", "127.0.0.1", false},
      {"2001:db8::/32", "2001:db8:ffff::1", true},
      {"2001:db8::/32", "2001:db9::1", false},
      {"2001:db8::/32", "192.0.2.1", false},
      {"2001:db8::8000/113", "2001:db8::ffff", true},
      {"2001:db8::8000/113", "2001:db8::7fff", false},
      {"2001:db8::1", "2001:db8::1", true},
      {"2001:db8::1/128", "2001:db8::2", false},
      {"::/0", "2001:db8::1", true},
      {"::/0", "192.0.2.1", false}, // an IPv6 network holds no IPv4 client, which is what its writer means
      {"::ffff:192.0.2.7", "192.0.2.7", true},
  };
  for (const Case& c : cases) {
    CAPTURE(c.network, c.address);
    const auto parsed = IpNetwork::parse(c.network);
    REQUIRE(parsed.has_value());
    CHECK(parsed->contains(IpAddress::parse(c.address).value()) == c.contains);
  }
}

TEST_CASE("networks: what is refused") {
  const std::vector<std::string> cases{
      "",
      "/",
      "/24",
      "192.0.2.0/",
      "192.0.2.0/33",
      "192.0.2.0/-1",
      "192.0.2.0/+24",
      "192.0.2.0/24x",
      "192.0.2.0/ 24",
      "192.0.2.0/24/24",
      "192.0.2.0/4294967320", // 2^32 + 24
      "192.0.2.0/99999999999999999999999",
      "192.0.2.0/255.255.255.0",
      "192.0.2/24",
      "2001:db8::/129",
      "unknown",
      "mta1.example",
      // host bits
      "192.0.2.1/24",
      "192.0.2.129/25",
      "192.0.2.1/0",
      "192.0.2.1/31",
      "2001:db8::1/64",
      "2001:db8:8000::/32",
      "::1/0",
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    CHECK_FALSE(IpNetwork::parse(text).has_value());
  }
}
