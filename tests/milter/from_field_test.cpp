#include "daemon/dns/idna.h"
#include "milter/from_field.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::milter;
using namespace std::string_literals;
using danegate::core::DnsName;
using danegate::core::MailAddress;

namespace {

DnsName name(std::string_view text) {
  return DnsName::parse(text).value();
}

HeaderFrom read(std::string_view value) {
  return read_from(value, name("origin.example"), danegate::dns::to_ascii);
}

/// "local@domain", or "local" where there is no usable one, with blanks between.
std::string shown(const HeaderFrom& from) {
  std::string text;
  for (const MailAddress& address : from.addresses)
    text += (text.empty() ? "" : " ") + address.text();
  return text;
}

} // namespace

TEST_CASE("From: the addresses that are judged") {
  struct Case {
    const char* label;
    std::string value;
    const char* addresses;
  };

  const std::vector<Case> cases{
      {"bare address", "ceo@acme.example", "ceo@acme.example"},
      {"in brackets", "<ceo@acme.example>", "ceo@acme.example"},
      {"display name", "John Public <ceo@acme.example>", "ceo@acme.example"},
      {"display name, quoted", "\"Public, John (x) <a@b>\" <ceo@acme.example>", "ceo@acme.example"},
      {"display name with dots", "John Q. Public <ceo@acme.example>", "ceo@acme.example"},
      {"display name that begins with a dot", ". x <ceo@acme.example>", "ceo@acme.example"},
      {"display name, mixed", "Dr. \"J.\" O'Neill <ceo@acme.example>", "ceo@acme.example"},
      {"display name, encoded", "=?utf-8?q?J=C3=B6rg?= <ceo@acme.example>", "ceo@acme.example"},
      {"display name of UTF-8", "Jörg Müller <ceo@acme.example>", "ceo@acme.example"},
      {"display name of Latin-1", "J\xf6rg <ceo@acme.example>", "ceo@acme.example"},
      {"display name that looks like an address", "\"ceo@acme.example\" <x@evil.example>", "x@evil.example"},
      {"encoded display name like one", "=?utf-8?q?ceo=40acme.example?= <x@evil.example>", "x@evil.example"},
      {"empty display name", "\"\" <ceo@acme.example>", "ceo@acme.example"},
      {"no space before <", "John<ceo@acme.example>", "ceo@acme.example"},
      {"comment behind", "ceo@acme.example (John Public)", "ceo@acme.example"},
      {"comment like an address", "x@evil.example (ceo@acme.example)", "x@evil.example"},
      {"nested comment", "ceo@acme.example (a (b (c) \\) d))", "ceo@acme.example"},
      {"comment in the domain", "ceo@acme(x).example", "ceo@acme.example"},
      {"comments everywhere", "(a)ceo(b)@(c)acme(d).(e)example(f)", "ceo@acme.example"},
      {"white space around dots", "ceo@acme . example", "ceo@acme.example"},
      {"white space everywhere", " c . eo\t@\n acme . example \n", "c.eo@acme.example"},
      {"folded with CRLF", "John\r\n Public\r\n\t<ceo@acme.example>\r\n", "ceo@acme.example"},
      {"folded by blank lines", "John\n \n \n Public <ceo@acme.example>", "ceo@acme.example"},
      {"in brackets with space", "x < ceo @ acme.example > (y)", "ceo@acme.example"},
      {"case of the domain", "CEO@ACME.Example", "CEO@acme.example"},
      {"trailing dot", "ceo@acme.example.", "ceo@acme.example"},
      {"quoted local part", "\"ceo\"@acme.example", "ceo@acme.example"},
      {"quoted local part of everything", "\"a \\\" @ \\\\ <,>\"@acme.example", "a \" @ \\ <,>@acme.example"},
      {"folded quoted local part", "\"a\n b\"@acme.example", "a b@acme.example"},
      {"empty quoted local part", "\"\"@acme.example", "@acme.example"},
      {"half quoted local part", "john.\"q p\".public@acme.example", "john.q p.public@acme.example"},
      {"dots as some providers have them", ".a..b.@acme.example", ".a..b.@acme.example"},
      {"all marks of an atom", "!#$%&'*+-/=^?_`{|}~@acme.example", "!#$%&'*+-/=^?_`{|}~@acme.example"},
      {"percent stays in the local part", "a%acme.example@evil.example", "a%acme.example@evil.example"},
      {"UTF-8 local part", "jörg@acme.example", "jörg@acme.example"},
      {"Latin-1 local part", "j\xf6rg@acme.example", "j\xf6rg@acme.example"},
      {"U-label", "ceo@bücher.example", "ceo@xn--bcher-kva.example"},
      {"U-label, capitals", "ceo@BÜCHER.example", "ceo@xn--bcher-kva.example"},
      {"U-label, comment inside", "ceo@bücher(x) . example", "ceo@xn--bcher-kva.example"},
      {"A-label", "ceo@XN--bcher-kva.example", "ceo@xn--bcher-kva.example"},
      {"soft hyphen", "ceo@ac\u00adme.example", "ceo@acme.example"},
      {"fullwidth", "ceo@ａｃｍｅ.example", "ceo@acme.example"},
      {"ideographic dot", "ceo@acme。example", "ceo@acme.example"},
      {"underscore", "ceo@a_b.example", "ceo@a_b.example"},
      {"one label", "root@localhost", "root@localhost"},
      {"two", "a@acme.example, b@evil.example", "a@acme.example b@evil.example"},
      {"two, all forms", "A <a@acme.example>,(x)b@evil.example,<c@d.example>",
       "a@acme.example b@evil.example c@d.example"},
      {"empty elements", ",, a@acme.example , (x) ,\n ,b@evil.example,", "a@acme.example b@evil.example"},
      {"group", "Staff: a@acme.example, b@evil.example;", "a@acme.example b@evil.example"},
      {"group between", "x@a.example, Staff: B <b@b.example>;, c@c.example", "x@a.example b@b.example c@c.example"},
      {"empty group beside", "Nobody:;, a@acme.example", "a@acme.example"},
      {"group of empty elements", "S:,,a@acme.example,,;", "a@acme.example"},
      {"two groups", "\"A B\" : a@a.example ; , C.D:;,E:e@e.example;", "a@a.example e@e.example"},
      {"tab in a quoted string", "\"a\tb\" <ceo@acme.example>", "ceo@acme.example"},
      {"a very deep comment", std::string(10000, '(') + std::string(10000, ')') + "ceo@acme.example",
       "ceo@acme.example"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const HeaderFrom from = read(c.value);
    CHECK(shown(from) == c.addresses);
    CHECK(from.unreadable.empty());
    CHECK(from.hidden == Hidden::nothing);
    CHECK_FALSE(from.mentions(name("acme.example")));
  }
}

TEST_CASE("From: addresses in doubt, which are judged and searched") {
  struct Case {
    const char* label;
    std::string value;
    const char* addresses;
    const char* mentioned;
  };

  const std::vector<Case> cases{
      {"no @", "ceo", "ceo@origin.example", "ceo"},
      {"no @, a domain", "acme.example", "acme.example@origin.example", "acme.example"},
      {"no @, in brackets", "x <acme.example>", "acme.example@origin.example", "acme.example"},
      {"no @, bang", "acme.example!ceo", "ceo@acme.example", "acme.example"},
      {"no @, percent", "ceo%acme.example", "ceo@acme.example", "acme.example"},
      {"no @, quoted", "\"ceo@acme.example\"", "ceo@acme.example@origin.example", "acme.example"},
      {"no @, beside one", "x@evil.example, acme.example", "x@evil.example acme.example@origin.example",
       "acme.example"},
      {"unquoted comma", "Acme.example, John <x@evil.example>", "Acme.example@origin.example x@evil.example",
       "acme.example"},
      {"one encoded word", "=?utf-8?q?ceo=40acme.example?=", "=?utf-8?q?ceo=40acme.example?=@origin.example",
       "acme.example"},
      {"encoded local part", "=?utf-8?q?ceo=40acme.example?=@evil.example",
       "=?utf-8?q?ceo=40acme.example?=@evil.example", "acme.example"},
      {"encoded local part with NUL behind", "=?utf-8?b?Y2VvQGFjbWUuZXhhbXBsZQ==?==?utf-8?Q?=00?=@evil.example",
       "=?utf-8?b?Y2VvQGFjbWUuZXhhbXBsZQ==?==?utf-8?Q?=00?=@evil.example", "acme.example"},
      {"end of an encoded word", "acme.example?=@evil.example", "acme.example?=@evil.example", "acme.example"},
      {"encoded domain", "ceo@=?utf-8?q?acme.example?=", "ceo", "acme.example"},
      {"literal", "ceo@[192.0.2.1]", "ceo", "192.0.2.1"},
      {"literal of a name", "ceo@[ acme . example ]", "ceo", "acme.example"},
      {"literal of an address", "ceo@[x@acme.example]", "ceo", "acme.example"},
      {"no name", "ceo@acme.example!", "ceo", "acme.example"},
      {"no name beside one", "a@b.example, ceo@#acme.example", "a@b.example ceo", "acme.example"},
      {"Latin-1 domain",
       "ceo@b\xfc"
       "cher.example",
       "ceo", "cher.example"},
      {"label too long", "ceo@" + std::string(64, 'a') + ".acme.example", "ceo", "acme.example"},
      {"route", "<@acme.example:x@evil.example>", "x@evil.example", "acme.example"},
      {"long route", "X <,@a.example,,@acme(y).example, : x@evil.example>", "x@evil.example", "acme.example"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const HeaderFrom from = read(c.value);
    CHECK(shown(from) == c.addresses);
    CHECK(from.mentions(name(c.mentioned)));
    CHECK_FALSE(from.mentions(name("beta.example")));
  }
}

TEST_CASE("From: the origin is for what has no domain at all") {
  const auto without = read_from("ceo", std::nullopt, nullptr);
  CHECK(shown(without) == "ceo");
  CHECK_FALSE(without.addresses.at(0).domain.has_value());
  CHECK_FALSE(read("ceo@[192.0.2.1]").addresses.at(0).domain.has_value());
  CHECK_FALSE(read("ceo@acme!").addresses.at(0).domain.has_value());
}

TEST_CASE("From: several fields are judged together") {
  HeaderFrom all;
  add(all, read("a@acme.example"));
  CHECK(all.unreadable.empty());
  add(all, read("x [acme.example]"));
  add(all, read("b@evil.example"));
  CHECK(shown(all) == "a@acme.example b@evil.example");
  CHECK(all.mentions(name("acme.example")));
  CHECK_FALSE(all.mentions(name("evil.example")));
  add(all, read("=?utf-16?b?AGM=?="));
  CHECK(all.mentions(name("evil.example")));
}

TEST_CASE("From: nobody hides beyond a bound") {
  const DnsName any = name("acme.example");
  const auto list = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += "a@b.example,";
    return text;
  };
  CHECK(read(list(max_from_addresses)).addresses.size() == max_from_addresses);
  CHECK_FALSE(read(list(max_from_addresses)).mentions(any));
  CHECK(read(list(max_from_addresses + 1)).addresses.empty());
  CHECK(read(list(max_from_addresses + 1)).mentions(any));

  const std::string padded = "a@b.example" + std::string(max_from_text - 11, ' ');
  CHECK(shown(read(padded)) == "a@b.example");
  const HeaderFrom longer = read(padded + ' ');
  CHECK(longer.addresses.empty());
  CHECK(longer.mentions(any));
  CHECK(longer.unreadable.at(0).size() == max_from_text);

  HeaderFrom sum = read(list(max_from_addresses));
  add(sum, read("ceo@acme.example"));
  CHECK(sum.addresses.size() == max_from_addresses);
  CHECK(sum.mentions(any));

  HeaderFrom texts;
  std::size_t fields = 0;
  for (; texts.hidden == Hidden::nothing; ++fields)
    add(texts, read(std::string(max_from_text, '<')));
  CHECK(fields > max_unreadable_text / max_from_text / 24);
  CHECK(texts.mentions(any));
}
