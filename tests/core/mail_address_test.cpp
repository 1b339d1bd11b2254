#include "daemon/core/mail_address.h"
#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <vector>

using namespace danegate::core;
using danegate::test::address;
using danegate::test::dns_name;
using danegate::test::fake_to_ascii;

namespace {

/// The domain as text; "-" where there is none.
std::string domain_of(const MailAddress& a) {
  return a.domain ? a.domain->text() : "-";
}

} // namespace

TEST_CASE("senders are read as the mail server will rewrite them") {
  struct Case {
    const char* label;
    const char* text;
    const char* local;
    const char* domain;
  };

  const std::vector<Case> cases{
      {"plain", "ceo@acme.example", "ceo", "acme.example"},
      {"case of the domain", "CEO@ACME.Example", "CEO", "acme.example"},
      {"trailing dot", "ceo@acme.example.", "ceo", "acme.example"},
      {"case and dot", "ceo@ACME.example.", "ceo", "acme.example"},
      {"trailing dots", "ceo@acme.example..", "ceo", "acme.example"},
      {"bang", "acme.example!ceo", "ceo", "acme.example"},
      {"bang, case", "ACME.example!Ceo", "Ceo", "acme.example"},
      {"bang with a path", "acme.example!beta.example!ceo", "beta.example!ceo", "acme.example"},
      {"percent", "ceo%acme.example", "ceo", "acme.example"},
      {"percent, case and dot", "ceo%ACME.example.", "ceo", "acme.example"},
      {"percent, the last counts", "ceo%beta.example%acme.example", "ceo%beta.example", "acme.example"},
      {"bang before percent", "acme.example!ceo%beta.example", "ceo%beta.example", "acme.example"},
      {"@ before bang", "beta.example!ceo@acme.example", "beta.example!ceo", "acme.example"},
      {"@ before percent", "ceo%beta.example@acme.example", "ceo%beta.example", "acme.example"},
      {"the last @", "ceo@beta.example@acme.example", "ceo@beta.example", "acme.example"},
      {"@ in a local part that was quoted", "a@b c@acme.example", "a@b c", "acme.example"},
      {"UTF-8 local part", "müller@acme.example", "müller", "acme.example"},
      {"U-label domain", "ceo@bücher.example", "ceo", "xn--bcher-kva.example"},
      {"A-label domain", "ceo@XN--bcher-kva.example", "ceo", "xn--bcher-kva.example"},
      {"U-label in bang form", "bücher.example!ceo", "ceo", "xn--bcher-kva.example"},
      {"one label", "root@localhost", "root", "localhost"},
      {"plus extension stays", "ceo+list@acme.example", "ceo+list", "acme.example"},
      {"bare", "ceo", "ceo", "origin.example"},
      {"bare UTF-8", "müller", "müller", "origin.example"},
      {"empty domain", "ceo@", "ceo", "origin.example"},
  };
  const std::optional<DnsName> origin = dns_name("origin.example");
  for (const Case& c : cases) {
    INFO(c.label);
    const MailAddress parsed = MailAddress::parse(c.text, origin, fake_to_ascii);
    CHECK(parsed.local == c.local);
    CHECK(domain_of(parsed) == c.domain);
    CHECK_FALSE(parsed.is_null());
    CHECK(parsed.text() == std::string(c.local) + "@" + c.domain);
  }
}

TEST_CASE("the null sender, whatever the origin") {
  for (const char* text : {"", "<>"}) {
    CAPTURE(text);
    const MailAddress parsed = MailAddress::parse(text, dns_name("origin.example"), fake_to_ascii);
    CHECK(parsed.is_null());
    CHECK(parsed.local.empty());
    CHECK_FALSE(parsed.domain.has_value());
    CHECK(parsed.text().empty());
  }
}

TEST_CASE("a sender without a usable domain has none, and is not given the origin for one that is there") {
  struct Case {
    const char* label;
    std::string text;
  };

  const std::vector<Case> cases{
      {"address literal", "ceo@[192.0.2.1]"},  {"IPv6 literal", "ceo@[IPv6:2001:db8::1]"},
      {"no name", "ceo@acme example"},         {"empty label", "ceo@acme..example"},
      {"no A-label form", "ceo@köln.example"}, {"over length", "ceo@" + std::string(300, 'a')},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const MailAddress parsed = MailAddress::parse(c.text, dns_name("origin.example"), fake_to_ascii);
    CHECK(domain_of(parsed) == "-");
    CHECK_FALSE(parsed.local.empty());
    CHECK_FALSE(parsed.is_null()); // a broken address is not a bounce
  }
  const MailAddress bare = MailAddress::parse("ceo", std::nullopt, fake_to_ascii);
  CHECK(bare.local == "ceo");
  CHECK(domain_of(bare) == "-");
  CHECK(bare.text() == "ceo");
  CHECK_FALSE(bare.is_null());
}

TEST_CASE("hostile senders are read without harm") {
  const std::vector<std::string> cases{
      "@",
      "@@",
      "!",
      "%",
      "!!",
      "%%",
      "@!%",
      "!ceo",
      "ceo!",
      "%acme.example",
      "ceo%",
      ".",
      "@.",
      "ceo@.",
      "<",
      ">",
      std::string("\0", 1),
      std::string("ceo@acme\0.example", 17),
      "\r\n",
      "\xff\xfe@\xff",
      std::string(100000, '@'),
      std::string(100000, '!'),
      std::string(100000, '%'),
      std::string(100000, '.'),
  };
  for (const std::string& text : cases) {
    CAPTURE(text.substr(0, 40), text.size());
    const MailAddress parsed = MailAddress::parse(text, std::nullopt, fake_to_ascii);
    // Nothing here names acme.example but "%acme.example", and that has no mailbox before it.
    if (text != "%acme.example") CHECK(domain_of(parsed) != "acme.example");
    CHECK(parsed.local.size() <= text.size());
  }
}

TEST_CASE("an empty local part keeps its domain") {
  const MailAddress parsed = MailAddress::parse("@acme.example", std::nullopt, fake_to_ascii);
  CHECK(parsed.local.empty());
  CHECK(domain_of(parsed) == "acme.example");
  CHECK_FALSE(parsed.is_null());
}

TEST_CASE("mailboxes compare without ASCII case of the local part") {
  CHECK(same_mailbox(address("Alice@acme.example"), address("aLICE@ACME.example.")));
  CHECK_FALSE(same_mailbox(address("alice@acme.example"), address("bob@acme.example")));
  CHECK_FALSE(same_mailbox(address("alice@acme.example"), address("alice@mta.acme.example")));
  CHECK_FALSE(same_mailbox(address("alice@acme.example"), address("alice")));
  CHECK_FALSE(same_mailbox(address("MÜLLER@acme.example"), address("müller@acme.example")));
  CHECK(same_mailbox(address("acme.example!alice"), address("alice%acme.example")));
}

TEST_CASE("address patterns: which kind a text is") {
  using Kind = AddressPattern::Kind;

  struct Case {
    const char* text;
    bool bare_local;
    Kind kind;
    const char* domain;
  };

  const std::vector<Case> cases{
      {"acme.example", false, Kind::domain, "acme.example"},
      {"ACME.Example.", false, Kind::domain, "acme.example"},
      {"bücher.example", false, Kind::domain, "xn--bcher-kva.example"},
      {".acme.example", false, Kind::subtree, "acme.example"},
      {".bücher.example", false, Kind::subtree, "xn--bcher-kva.example"},
      {"ceo@acme.example", false, Kind::mailbox, "acme.example"},
      {"müller@bücher.example", false, Kind::mailbox, "xn--bcher-kva.example"},
      {"<>", false, Kind::null_sender, "-"},
      {"<>", true, Kind::null_sender, "-"},
      {"acme.example", true, Kind::domain, "acme.example"},
      {"ceo@acme.example", true, Kind::mailbox, "acme.example"},
      {"postmaster", true, Kind::local_part, "-"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text, c.bare_local);
    const auto parsed = AddressPattern::parse(c.text, c.bare_local, fake_to_ascii);
    REQUIRE(parsed.has_value());
    CHECK(parsed->kind() == c.kind);
    CHECK((parsed->domain() ? parsed->domain()->text() : "-") == c.domain);
  }
}

TEST_CASE("address patterns: what is refused, with words for the operator") {
  const std::vector<std::string> cases{
      "",
      ".",
      "..acme.example",
      "acme..example",
      "*.acme.example",
      "*",
      "ceo@",
      "@",
      "a b.example",
      "ceo@acme example",
      "köln.example",
      "ceo@[192.0.2.1]",
      "<",
      "ceo@*.example",
      std::string(300, 'a') + ".example",
  };
  for (const std::string& text : cases) {
    CAPTURE(text.substr(0, 60));
    const auto parsed = AddressPattern::parse(text, false, fake_to_ascii);
    REQUIRE_FALSE(parsed.has_value());
    CHECK_FALSE(parsed.error().empty());
  }
}

TEST_CASE("address patterns: what each kind holds for") {
  struct Case {
    const char* label;
    const char* pattern;
    const char* address;
    bool holds;
  };

  const std::vector<Case> cases{
      {"domain", "acme.example", "ceo@acme.example", true},
      {"domain, case and dot", "acme.example", "ceo@ACME.example.", true},
      {"domain, bang", "acme.example", "acme.example!ceo", true},
      {"domain, percent", "acme.example", "ceo%acme.example", true},
      {"domain, empty local part", "acme.example", "@acme.example", true},
      {"domain, not below", "acme.example", "ceo@mail.acme.example", false},
      {"domain, not another", "acme.example", "ceo@evilacme.example", false},
      {"domain, not in the local part", "acme.example", "ceo@acme.example@beta.example", false},
      {"domain, null sender", "acme.example", "", false},
      {"domain, bare", "acme.example", "ceo", false},
      {"subtree, itself", ".acme.example", "ceo@acme.example", true},
      {"subtree, below", ".acme.example", "ceo@a.b.acme.example", true},
      {"subtree, not a text suffix", ".acme.example", "ceo@evilacme.example", false},
      {"subtree, null sender", ".acme.example", "<>", false},
      {"mailbox", "ceo@acme.example", "ceo@acme.example", true},
      {"mailbox, local case", "ceo@acme.example", "CEO@acme.example", true},
      {"mailbox, pattern's case", "CEO@acme.example", "ceo@acme.example", true},
      {"mailbox, another", "ceo@acme.example", "cfo@acme.example", false},
      {"mailbox, no extension", "ceo@acme.example", "ceo+x@acme.example", false},
      {"mailbox, not below", "ceo@acme.example", "ceo@mail.acme.example", false},
      {"mailbox, bare", "ceo@acme.example", "ceo", false},
      {"null", "<>", "", true},
      {"null, written out", "<>", "<>", true},
      {"null, not an address", "<>", "ceo@acme.example", false},
      {"null, not a broken one", "<>", "ceo@[192.0.2.1]", false},
      {"null, not a bare one", "<>", "ceo", false},
      {"null, not an empty local part", "<>", "@acme.example", false},
      {"bare", "postmaster", "postmaster@acme.example", true},
      {"bare, any domain", "postmaster", "postmaster@beta.example", true},
      {"bare, none", "postmaster", "postmaster", true},
      {"bare, case", "postmaster", "PostMaster@acme.example", true},
      {"bare, pattern's case", "PostMaster", "postmaster", true},
      {"bare, another", "postmaster", "hostmaster@acme.example", false},
      {"bare, not a prefix", "postmaster", "postmaster2@acme.example", false},
      {"bare, null sender", "postmaster", "", false},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto pattern = AddressPattern::parse(c.pattern, true, fake_to_ascii);
    REQUIRE(pattern.has_value());
    CHECK(pattern->matches(address(c.address)) == c.holds);
  }
}
