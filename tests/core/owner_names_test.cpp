#include "daemon/core/owner_names.h"
#include "tests/core/builders.h"
#include "tests/core/real_ports.h"
#include "tests/support/catch.h"

#include <vector>

using namespace danegate::core;
using danegate::test::address;
using danegate::test::octets;
using danegate::test::owner_template;
using danegate::test::real_ports;

namespace {

// RFC 7929 section 3's own example, and `printf %s ceo | sha256sum | cut -c1-56` and its fellows.
constexpr const char* hash_of_hugh = "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6";
constexpr const char* hash_of_upper_hugh = "7063a398942ba5c6125429518d0608563f3974bb48013ddf58fb01d4";
constexpr const char* hash_of_mueller = "2dbd218072117713f2d5996a726a9b216ed791ffd0783b6ba4ab6d61";

enum class From { helo, subject, client, sasl, sender };

Claims claims_with(From from, const std::string& text) {
  Claims claims;
  switch (from) {
  case From::helo: claims.helo = text; break;
  case From::subject: claims.subject = text; break;
  case From::client: claims.client = text; break;
  case From::sasl: claims.sasl = text; break;
  case From::sender: claims.sender = address(text); break;
  }
  return claims;
}

std::string with_dots(std::size_t octets) {
  std::string name;
  while (name.size() + 10 <= octets - 8)
    name += "abcdefghi.";
  name += std::string(octets - 8 - name.size(), 'z');
  return name + ".example";
}

} // namespace

TEST_CASE("templates: what is refused, with words for the operator") {
  const std::vector<std::string> cases{
      "",
      ".",
      "_smtp-client.mta1.partner.example", // no field
      "_smtp-client",
      "_smtp-client.{nonesuch}",
      "_smtp-client.{}",
      "_smtp-client.{helo",
      "_smtp-client.helo}",
      "_smtp-client.{{helo}}",
      "_smtp-client.x{helo}", // fields fill whole labels
      "_smtp-client.{helo}x",
      "_smtp-client.{helo}{client}",
      "_smtp-client..{helo}",
      ".{helo}",
      "{helo}..example",
      "_smtp client.{helo}",
      "_smtp/client.{helo}",
      "*.{helo}",
      "_smtp-client.{HELO}x",
      "_smtp-client.{helo}.a b",
      std::string(64, 'a') + ".{helo}",
      "müller.{helo}",
      "_smtp-client.{sender}",
      "_smtp-client.{sender.}",
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    const auto parsed = OwnerTemplate::parse(text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK_FALSE(parsed.error().empty());
  }
}

TEST_CASE("templates: what each makes of a session, and who that is") {
  Claims claims;
  claims.helo = "mta1.partner.example";
  claims.subject = "Cert.Partner.example";
  claims.client = "host.partner.example.";
  claims.sender = address("Hugh@Acme.example");
  const std::string hashed = std::string(hash_of_hugh);

  struct Case {
    const char* text;
    std::string owner;
    std::string identity;
  };

  const std::vector<Case> cases{
      {"_smtp-client.{helo}", "_smtp-client.mta1.partner.example", "mta1.partner.example"},
      {"_smtp-client.{subject}", "_smtp-client.cert.partner.example", "cert.partner.example"},
      {"_smtp-client.{client}", "_smtp-client.host.partner.example", "host.partner.example"},
      {"_smtp-client.{sender.domain}", "_smtp-client.acme.example", "acme.example"},
      {"_Smtp-Client.{helo}", "_smtp-client.mta1.partner.example", "mta1.partner.example"},
      {"{helo}", "mta1.partner.example", "mta1.partner.example"}, // freeform: no service label to take off
      {"{sender.hash}._submission-client.{sender.domain}", hashed + "._submission-client.acme.example",
       "hugh@acme.example"},
      {"{sender.local}._submission-client.{sender.domain}", "hugh._submission-client.acme.example",
       "hugh@acme.example"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const OwnerTemplate t = owner_template(c.text);
    CHECK(t.text() == c.text);
    const auto made = t.expand(claims, false, real_ports());
    REQUIRE(made.has_value());
    CHECK(made->owner.text() == c.owner);
    CHECK(made->identity == danegate::test::identity(c.identity));
  }
}

TEST_CASE("templates: an address is named only where both halves of it are in the template") {
  Claims claims;
  claims.sender = address("alice@acme.example");
  for (const char* text : {"{sender.hash}._submission-client.example.net",
                           "{sender.local}._submission-client.example.net", "_submission-client.{sender.domain}"}) {
    CAPTURE(text);
    const auto made = owner_template(text).expand(claims, false, real_ports());
    REQUIRE(made.has_value());
    CHECK_FALSE(made->identity.is_address());
  }
}

TEST_CASE("templates: which fields they use") {
  const OwnerTemplate t = owner_template("{sender.hash}._submission-client.{sender.domain}");
  CHECK(t.uses(Field::sender_hash));
  CHECK(t.uses(Field::sender_domain));
  CHECK_FALSE(t.uses(Field::sender_local));
  CHECK_FALSE(t.uses(Field::helo));
  CHECK(owner_template("_x.{sasl}").uses(Field::sasl));
  CHECK(owner_template("_x.{client}").uses(Field::client));
  CHECK(owner_template("_x.{subject}").uses(Field::subject));
}

TEST_CASE("host fields: what yields no name") {
  struct Case {
    const char* label;
    std::string text;
  };

  const std::vector<Case> cases{
      {"empty", ""},
      {"unknown", "unknown"},
      {"only a dot", "."},
      {"a single label", "mta1"},
      {"a single label with a dot", "mta1."},
      {"address literal", "[192.0.2.1]"},
      {"IPv6 literal", "[IPv6:2001:db8::1]"},
      {"bare IPv6 address", "2001:db8::1"},
      {"longer than a name", with_dots(254)},
      {"longer than a name with the service label", with_dots(245)},
      {"long label", std::string(64, 'a') + ".example"},
      {"far too long", std::string(100000, 'a')},
      {"no A-label form", "köln.example"},
      {"broken UTF-8", "\xff\xfe.example"},
      {"space, as in a person's name", "Zoe (cli) host.example"},
      {"wildcard", "*.partner.example"},
      {"empty label", "mta1..example"},
      {"slash", "a/b.example"},
      {"NUL", std::string("mta1\0.example", 13)},
      {"newline", "mta1.example\nx=y"},
      {"_tcp", "_25._tcp.mx.partner.example"},
      {"_tcp alone", "_tcp.partner.example"},
      {"_tcp, upper case", "a._TCP.partner.example"},
      {"_udp", "a._udp.partner.example"},
      {"_sctp", "a._sctp.partner.example"},
      {"_443", "_443.partner.example"},
      {"_0", "a._0.partner.example"},
      {"_65535 below _device", "_65535._device.partner.example"},
      {"_tcp below _device", "_tcp._device.partner.example"},
      {"_tcp above _device", "a._device._tcp.partner.example"},
      {"another service's label", "_submission-client.partner.example"},
      {"_smtp-client in the claim", "_smtp-client.partner.example"},
      {"_dmarc", "_dmarc.partner.example"},
      {"_domainkey", "s1._domainkey.partner.example"},
      {"underscore inside a label", "my_host.partner.example"},
      {"_device with no device", "_device.partner.example"},
      {"_device with no organisation", "a._device"},
      {"_devices", "a._devices.partner.example"},
      {"_device and another", "a._device._user.partner.example"},
      {"another before _device", "_user.a._device.partner.example"},
  };

  struct Source {
    const char* text;
    From from;
  };

  for (const Source& source :
       {Source{"_smtp-client.{helo}", From::helo}, Source{"_smtp-client.{subject}", From::subject},
        Source{"_smtp-client.{client}", From::client}}) {
    const OwnerTemplate t = owner_template(source.text);
    for (const Case& c : cases) {
      CAPTURE(source.text, c.label);
      const auto made = t.expand(claims_with(source.from, c.text), false, real_ports());
      REQUIRE_FALSE(made.has_value());
      CHECK_FALSE(made.error().empty());
    }
  }
}

TEST_CASE("host fields: what does yield a name") {
  struct Case {
    const char* label;
    const char* text;
    const char* owner;
  };

  const std::vector<Case> cases{
      {"case and dot", "MTA1.Partner.example.", "_smtp-client.mta1.partner.example"},
      {"two labels", "partner.example", "_smtp-client.partner.example"},
      {"U-labels", "mta1.bücher.example", "_smtp-client.mta1.xn--bcher-kva.example"},
      {"device", "sensor7._device.partner.example", "_smtp-client.sensor7._device.partner.example"},
      {"device, case", "Sensor7._DEVICE.partner.example", "_smtp-client.sensor7._device.partner.example"},
      {"numbers without an underscore", "443.tcp.partner.example", "_smtp-client.443.tcp.partner.example"},
      {"a host called unknown", "unknown.partner.example", "_smtp-client.unknown.partner.example"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto made =
        owner_template("_smtp-client.{helo}").expand(claims_with(From::helo, c.text), false, real_ports());
    REQUIRE(made.has_value());
    CHECK(made->owner.text() == c.owner);
    CHECK(made->identity.text() == made->owner.text().substr(std::string_view("_smtp-client.").size()));
  }
  const auto longest =
      owner_template("_smtp-client.{helo}").expand(claims_with(From::helo, with_dots(240)), false, real_ports());
  REQUIRE(longest.has_value());
  CHECK(longest->owner.text().size() == 253);
}

TEST_CASE("freeform templates let underscore labels through, but not the keys of other services") {
  const OwnerTemplate t = owner_template("{subject}");
  for (const char* text :
       {"sensor7._device.partner.example", "a._user.partner.example", "_smtp-client.partner.example"}) {
    CAPTURE(text);
    const auto made = t.expand(claims_with(From::subject, text), false, real_ports());
    REQUIRE(made.has_value());
    CHECK(made->owner.text() == text);
  }
  for (const char* text : {"_25._tcp.mx.partner.example", "_tcp.partner.example", "a._udp.partner.example",
                           "a._sctp.partner.example", "_443.partner.example", "partner", "unknown", "[192.0.2.1]"}) {
    CAPTURE(text);
    CHECK_FALSE(t.expand(claims_with(From::subject, text), false, real_ports()).has_value());
  }
}

TEST_CASE("sender fields: what yields no name") {
  struct Case {
    const char* label;
    const char* text;
    const char* sender;
  };

  const std::vector<Case> cases{
      {"null sender, domain", "_x.{sender.domain}", ""},
      {"null sender, hash", "{sender.hash}._x.{sender.domain}", "<>"},
      {"null sender, local", "{sender.local}._x.{sender.domain}", ""},
      {"null sender, only the hash", "{sender.hash}._x.example.net", ""},
      {"bare sender", "{sender.hash}._x.{sender.domain}", "alice"},
      {"empty local part", "{sender.hash}._x.{sender.domain}", "@acme.example"},
      {"empty local part, local", "{sender.local}._x.{sender.domain}", "@acme.example"},
      {"literal", "{sender.hash}._x.{sender.domain}", "alice@[192.0.2.1]"},
      {"single-label domain", "_x.{sender.domain}", "alice@localhost"},
      {"single-label domain, hash", "{sender.hash}._x.{sender.domain}", "alice@localhost"},
      {"no A-label form", "_x.{sender.domain}", "alice@köln.example"},
      {"_tcp", "_x.{sender.domain}", "alice@_25._tcp.acme.example"},
      {"underscore label", "_x.{sender.domain}", "alice@_dmarc.acme.example"},
      {"local with a dot", "{sender.local}._x.{sender.domain}", "alice.b@acme.example"},
      {"local with a plus", "{sender.local}._x.{sender.domain}", "alice+b@acme.example"},
      {"local with an underscore", "{sender.local}._x.{sender.domain}", "_tcp@acme.example"},
      {"local with an underscore within", "{sender.local}._x.{sender.domain}", "alice_b@acme.example"},
      {"local with a space", "{sender.local}._x.{sender.domain}", "alice b@acme.example"},
      {"local that is a wildcard", "{sender.local}._x.{sender.domain}", "*@acme.example"},
      {"local with an @", "{sender.local}._x.{sender.domain}", "a@b@acme.example"},
      {"UTF-8 local", "{sender.local}._x.{sender.domain}", "müller@acme.example"},
      {"local of 64", "{sender.local}._x.{sender.domain}",
       "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@acme.example"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto made = owner_template(c.text).expand(claims_with(From::sender, c.sender), false, real_ports());
    REQUIRE_FALSE(made.has_value());
    CHECK_FALSE(made.error().empty());
  }
}

TEST_CASE("{sasl}: a login name is a label of its own") {
  const OwnerTemplate t = owner_template("{sasl}._relay.branch.example");
  const auto made = t.expand(claims_with(From::sasl, "Device7"), false, real_ports());
  REQUIRE(made.has_value());
  CHECK(made->owner.text() == "device7._relay.branch.example");
  CHECK_FALSE(made->identity.is_address());
  for (const char* text :
       {"", "unknown", "alice@acme.example", "a b", "_tcp", "_25", "a_b", "a..b", "*", "m\xfcller"}) {
    CAPTURE(text);
    CHECK_FALSE(t.expand(claims_with(From::sasl, text), false, real_ports()).has_value());
  }
}

TEST_CASE("local parts are hashed as RFC 7929 section 3 says") {
  const HashFunction hash = real_ports().hash;
  CHECK(hash_local_part("hugh", false, hash) == hash_of_hugh);
  CHECK(hash_local_part("hugh", true, hash) == hash_of_hugh);
  CHECK(hash_local_part("Hugh", false, hash) == hash_of_hugh);
  CHECK(hash_local_part("Hugh", true, hash) == hash_of_upper_hugh);
  CHECK(hash_local_part("müller", false, hash) == hash_of_mueller);
  CHECK(hash_local_part("müller", true, hash) == hash_of_mueller);
}

TEST_CASE("the service's case setting reaches the hash, and the identity is the same mailbox") {
  const OwnerTemplate t = owner_template("{sender.hash}._submission-client.{sender.domain}");
  const Claims claims = claims_with(From::sender, "Hugh@acme.example");
  const auto folded = t.expand(claims, false, real_ports());
  const auto kept = t.expand(claims, true, real_ports());
  REQUIRE(folded.has_value());
  REQUIRE(kept.has_value());
  CHECK(folded->owner.first_label() == hash_of_hugh);
  CHECK(kept->owner.first_label() == hash_of_upper_hugh);
  CHECK(folded->identity == kept->identity);
}

TEST_CASE("a hash function that fails makes no name") {
  const auto make = [](HashFunction broken) {
    const Ports ports{broken, danegate::test::fake_to_ascii};
    return owner_template("{sender.hash}._x.{sender.domain}")
        .expand(claims_with(From::sender, "alice@acme.example"), false, ports);
  };
  CHECK_FALSE(make([](DigestAlgorithm, ByteView) { return Bytes{}; }).has_value());
  CHECK_FALSE(make([](DigestAlgorithm, ByteView) { return Bytes(27, 0x2a); }).has_value());
  CHECK(make([](DigestAlgorithm, ByteView) { return Bytes(28, 0x2a); }).has_value());
}
