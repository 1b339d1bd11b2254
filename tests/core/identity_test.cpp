#include "daemon/core/identity.h"
#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <vector>

using namespace danegate::core;
using danegate::test::address;
using danegate::test::fake_to_ascii;
using danegate::test::identity;
using danegate::test::senders;

TEST_CASE("identities: text, key and comparison") {
  const Identity domain = identity("MTA1.Acme.example.");
  CHECK_FALSE(domain.is_address());
  CHECK(domain.text() == "mta1.acme.example");
  CHECK(domain == identity("mta1.acme.example"));

  const Identity alice = identity("Alice@Acme.example");
  CHECK(alice.is_address());
  CHECK(alice.local == "Alice");
  CHECK(alice.text() == "Alice@acme.example");
  CHECK(alice == identity("aLICE@acme.example"));
  CHECK(alice.key() == identity("alice@acme.example").key());

  CHECK_FALSE(alice == identity("bob@acme.example"));
  CHECK_FALSE(alice == identity("acme.example"));
  CHECK_FALSE(alice == identity("alice.acme.example"));
  CHECK_FALSE(identity("acme.example") == identity("mta1.acme.example"));
  CHECK(identity("ceo@bücher.example").domain.text() == "xn--bcher-kva.example");
}

TEST_CASE("identities: what is refused, with words for the operator") {
  for (const char* text : {"", ".", "@acme.example", "alice@", "*.acme.example", "alice@*.acme.example", "a b.example",
                           "alice@[192.0.2.1]", "{sender}", "köln.example", "alice@köln.example"}) {
    CAPTURE(text);
    const auto parsed = parse_identity(text, fake_to_ascii);
    REQUIRE_FALSE(parsed.has_value());
    CHECK_FALSE(parsed.error().empty());
  }
}

TEST_CASE("identity patterns: kinds") {
  using Kind = IdentityPattern::Kind;

  struct Case {
    const char* text;
    Kind kind;
    bool has_field;
    const char* identity;
  };

  const std::vector<Case> cases{
      {"mta1.acme.example", Kind::exact, false, "mta1.acme.example"},
      {"Alice@acme.example", Kind::exact, false, "Alice@acme.example"},
      {"*.Out.acme.example", Kind::below, false, "out.acme.example"},
      {"{sender}", Kind::sender, true, nullptr},
      {"{sender.domain}", Kind::sender_domain, true, nullptr},
      {"*.{sender.domain}", Kind::below_sender_domain, true, nullptr},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const auto pattern = IdentityPattern::parse(c.text, fake_to_ascii);
    REQUIRE(pattern.has_value());
    CHECK(pattern->kind() == c.kind);
    CHECK(pattern->has_field() == c.has_field);
    REQUIRE(pattern->identity().has_value() == (c.identity != nullptr));
    if (c.identity != nullptr) CHECK(pattern->identity()->text() == c.identity);
  }
}

TEST_CASE("identity patterns: what is refused, with words for the operator") {
  for (const char* text : {"",
                           "*",
                           "*.",
                           "**.example",
                           "*example",
                           "mta*.example",
                           "mta1.*.example",
                           "*.*.example",
                           "*.{sender}",
                           "{helo}",
                           "{subject}",
                           "{sender",
                           "sender}",
                           "{sender.domain}.example",
                           "x.{sender.domain}",
                           "{sender.local}@acme.example",
                           "{sender.domain",
                           "{Sender.Domainx}",
                           "{}",
                           "*.alice@acme.example",
                           "alice@*.example",
                           "@acme.example",
                           "alice@",
                           "a b.example"}) {
    CAPTURE(text);
    const auto parsed = IdentityPattern::parse(text, fake_to_ascii);
    REQUIRE_FALSE(parsed.has_value());
    CHECK_FALSE(parsed.error().empty());
  }
}

TEST_CASE("identity patterns: who satisfies them") {
  struct Case {
    const char* label;
    const char* pattern;
    const char* identity;
    const char* sender;
    bool matches;
  };

  const std::vector<Case> cases{
      {"exact domain", "mta1.acme.example", "mta1.acme.example", "ceo@acme.example", true},
      {"exact, not above", "mta1.acme.example", "acme.example", "ceo@acme.example", false},
      {"exact, not below", "mta1.acme.example", "x.mta1.acme.example", "ceo@acme.example", false},
      {"exact domain is no address of it", "acme.example", "alice@acme.example", "alice@acme.example", false},
      {"exact address", "alice@acme.example", "ALICE@acme.example", "x@beta.example", true},
      {"exact address, another", "alice@acme.example", "bob@acme.example", "x@beta.example", false},
      {"exact address is not its domain", "alice@acme.example", "acme.example", "x@beta.example", false},

      {"one label below", "*.out.acme.example", "mta1.out.acme.example", "", true},
      {"two labels below", "*.out.acme.example", "a.b.out.acme.example", "", true},
      {"not itself", "*.out.acme.example", "out.acme.example", "", false},
      {"not a text suffix", "*.out.acme.example", "evilout.acme.example", "", false},
      {"a mailbox is no name below", "*.acme.example", "bob@mta1.acme.example", "", false},
      {"not beside", "*.out.acme.example", "mta1.in.acme.example", "", false},

      {"{sender}", "{sender}", "alice@acme.example", "Alice@ACME.example", true},
      {"{sender}, another mailbox", "{sender}", "alice@acme.example", "bob@acme.example", false},
      {"{sender}, another domain", "{sender}", "alice@acme.example", "alice@beta.example", false},
      {"{sender} is not the domain", "{sender}", "acme.example", "alice@acme.example", false},
      {"{sender}, null sender", "{sender}", "alice@acme.example", "", false},
      {"{sender}, null sender and a domain", "{sender}", "acme.example", "", false},
      {"{sender}, bare sender", "{sender}", "alice@acme.example", "alice", false},
      {"{sender}, empty local part", "{sender}", "acme.example", "@acme.example", false},
      {"{sender}, literal", "{sender}", "alice@acme.example", "alice@[192.0.2.1]", false},

      {"{sender.domain}", "{sender.domain}", "acme.example", "ceo@acme.example", true},
      {"{sender.domain}, bang form", "{sender.domain}", "acme.example", "acme.example!ceo", true},
      {"{sender.domain}, not below", "{sender.domain}", "mta1.acme.example", "ceo@acme.example", false},
      {"{sender.domain} is not every mailbox of it", "{sender.domain}", "bob@acme.example", "ceo@acme.example", false},
      {"{sender.domain}, null sender", "{sender.domain}", "acme.example", "", false},
      {"{sender.domain}, literal", "{sender.domain}", "acme.example", "ceo@[192.0.2.1]", false},

      {"*.{sender.domain}", "*.{sender.domain}", "mta1.acme.example", "ceo@acme.example", true},
      {"*.{sender.domain}, two labels", "*.{sender.domain}", "a.b.acme.example", "ceo@acme.example", true},
      {"*.{sender.domain}, not itself", "*.{sender.domain}", "acme.example", "ceo@acme.example", false},
      {"*.{sender.domain}, another", "*.{sender.domain}", "mta1.beta.example", "ceo@acme.example", false},
      {"*.{sender.domain}, text suffix", "*.{sender.domain}", "x.evilacme.example", "ceo@acme.example", false},
      {"*.{sender.domain} is not every mailbox below", "*.{sender.domain}", "bob@x.acme.example", "ceo@acme.example",
       false},
      {"*.{sender.domain}, null sender", "*.{sender.domain}", "mta1.acme.example", "", false},
      {"*.{sender.domain}, bare sender", "*.{sender.domain}", "mta1.acme.example", "ceo", false},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto pattern = IdentityPattern::parse(c.pattern, fake_to_ascii);
    REQUIRE(pattern.has_value());
    CHECK(pattern->matches(identity(c.identity), address(c.sender)) == c.matches);
  }
}

TEST_CASE("identity files hold identities in full") {
  IdentitySet set;
  CHECK(set.size() == 0);
  set.add(identity("mta1.acme.example"));
  set.add(identity("Alice@acme.example"));
  set.add(identity("ALICE@acme.example"));
  CHECK(set.size() == 2);
  CHECK(set.contains(identity("MTA1.acme.example")));
  CHECK(set.contains(identity("alice@acme.example")));
  CHECK_FALSE(set.contains(identity("acme.example")));
  CHECK_FALSE(set.contains(identity("x.mta1.acme.example")));
  CHECK_FALSE(set.contains(identity("bob@acme.example")));
}

TEST_CASE("grants say who may send as whom") {
  Grants grants;
  grants.add(identity("mta1.acme.example"), senders("acme.example"));
  grants.add(identity("mta1.acme.example"), senders("<>"));
  grants.add(identity("Alice@acme.example"), senders("alice@acme.example"));

  struct Case {
    const char* identity;
    const char* sender;
    bool allowed;
  };

  const std::vector<Case> cases{
      {"mta1.acme.example", "anybody@acme.example", true}, {"mta1.acme.example", "", true},
      {"mta1.acme.example", "ceo@beta.example", false},    {"mta2.acme.example", "ceo@acme.example", false},
      {"acme.example", "ceo@acme.example", false},         {"alice@acme.example", "ALICE@acme.example", true},
      {"alice@acme.example", "bob@acme.example", false},   {"alice@acme.example", "", false},
      {"bob@acme.example", "alice@acme.example", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.identity, c.sender);
    CHECK(grants.allow(identity(c.identity), address(c.sender)) == c.allowed);
  }
}
