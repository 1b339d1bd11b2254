#include "daemon/dns/idna.h"
#include "milter/from_field.h"
#include "tests/support/catch.h"

#include <chrono>
#include <string>
#include <vector>

using namespace danegate::milter;
using namespace std::string_literals;
using danegate::core::DnsName;

namespace {

DnsName name(std::string_view text) {
  return DnsName::parse(text).value();
}

HeaderFrom read(std::string_view value) {
  return read_from(value, std::nullopt, danegate::dns::to_ascii);
}

} // namespace

TEST_CASE("From: what cannot be read names no address, and is searched") {
  struct Case {
    const char* label;
    std::string value;
    const char* mentioned;
  };

  const std::vector<Case> cases{
      {"unquoted @ in a display name", "ceo@acme.example <x@evil.example>", "acme.example"},
      {"the other one of these", "ceo@acme.example <x@evil.example>", "evil.example"},
      {"two words", "ceo acme.example", "acme.example"},
      {"two @", "ceo@acme.example@evil.example", "acme.example"},
      {"no local part", "@acme.example", "acme.example"},
      {"only dots before @", "..@acme.example", "acme.example"},
      {"no domain", "acme.example@", "acme.example"},
      {"empty label", "ceo@.acme.example", "acme.example"},
      {"domain of two words", "ceo@acme.example x", "acme.example"},
      {"quoted domain", "ceo@\"acme.example\"", "acme.example"},
      {"quoted domain, parted", "ceo@\"ac\\me.\"example", "acme.example"},
      {"comment that parts a label", "ceo@ac(x)me.example", "acme.example"},
      {"nested comment that does", "ceo@ac(x(y))me.example", "acme.example"},
      {"comment behind an open one", "(ceo@ac(x)me.example", "acme.example"},
      {"comment with a quoted parenthesis", "ceo@ac(\\))me.example", "acme.example"},
      {"comment with a quote", "ceo@ac(\")me.example", "acme.example"},
      {"white space that parts a label", "ceo@ac me.example", "acme.example"},
      {"folding that does", "ceo@ac\n me.example", "acme.example"},
      {"folding at the dot", "ceo@acme.\n example x", "acme.example"},
      {"line break that folds nothing", "x\nceo@acme.example", "acme.example"},
      {"lone CR", "ceo@acme.\rexample", "acme.example"},
      {"NUL", "ceo@ac\0me.example"s, "acme.example"},
      {"behind NUL", "x@evil.example\0, ceo@acme.example"s, "acme.example"},
      {"control character",
       "ceo@acme.\x1b"
       "example",
       "acme.example"},
      {"DEL in a quoted string", "\"\x7f\" <ceo@acme.example>", "acme.example"},
      {"open quote", "\"x <ceo@acme.example>", "acme.example"},
      {"open comment", "x (ceo@acme.example", "acme.example"},
      {"open bracket", "<ceo@acme.example", "acme.example"},
      {"open literal", "ceo@[acme.example", "acme.example"},
      {"quoted pair in a literal", "ceo@[acme\\.example]", "acme.example"},
      {"closed too often", "<ceo@acme.example>>", "acme.example"},
      {"comment closed too often", "ceo@acme.example)", "acme.example"},
      {"brackets twice", "<<ceo@acme.example>>", "acme.example"},
      {"two in brackets", "<a@evil.example, ceo@acme.example>", "acme.example"},
      {"two angle-addrs", "<a@evil.example> <ceo@acme.example>", "acme.example"},
      {"word behind brackets", "<a@evil.example> acme.example", "acme.example"},
      {"empty brackets", "\"ceo@acme.example\" <>", "acme.example"},
      {"empty brackets beside an address", "x@evil.example, \"ceo@acme.example\" <>", "acme.example"},
      {"phrase in brackets", "<ceo acme.example>", "acme.example"},
      {"brackets in a display name", "[acme.example] x <x@evil.example>", "acme.example"},
      {"semicolon without a group", "x@evil.example; ceo@acme.example", "acme.example"},
      {"open group", "Staff: ceo@acme.example", "acme.example"},
      {"group in a group", "A: B: ceo@acme.example;;", "acme.example"},
      {"group in a group, one end", "A: B: ceo@acme.example;", "acme.example"},
      {"group without a name", ": ceo@acme.example;", "acme.example"},
      {"address as a group's name", "ceo@acme.example: x@evil.example;", "acme.example"},
      {"no comma behind a group", "S: x@evil.example; ceo@acme.example", "acme.example"},
      {"only an empty group", "\"ceo@acme.example\":;", "acme.example"},
      {"only a comment", "(ceo@acme.example)", "acme.example"},
      {"route without an end", "<@acme.example x@evil.example>", "acme.example"},
      {"route without an address", "<@acme.example:>", "acme.example"},
      {"mailto", "mailto:ceo@acme.example", "acme.example"},
      {"backslash", "ceo@acme\\.example", "acme.example"},
      {"case", "CEO@ACME@Example ACME.Example", "acme.example"},
      {"encoded words", "=?utf-8?q?ceo=40ac?= =?utf-8?b?bWUuZXhhbXBsZQ==?=", "acme.example"},
      {"encoded word with brackets", "=?utf-8?q?=3Cceo=40acme=2Eexample=3E?= x", "acme.example"},
      {"encoded brackets before real ones", "=?utf-8?q?ceo=40acme.example=3C?=x@evil.example>", "acme.example"},
      {"encoded comment", "a b =?utf-8?q?ac=28x=29me.example?=", "acme.example"},
      {"encoded NUL", "a =?utf-8?q?ac=00me.example?=", "acme.example"},
      {"encoded quoted string", "a =?utf-8?q?=22ac=5Cme.=22?=example", "acme.example"},
      {"encoded word in a quoted string", "a \"=?utf-8?q?acme=2Eexample?=\"", "acme.example"},
      {"Latin-1 and U-label", "a =?iso-8859-1?q?b=FCcher.example?=", "xn--bcher-kva.example"},
      {"UTF-8 and U-label", "a =?utf-8?q?b=C3=BCcher.example?=", "xn--bcher-kva.example"},
      {"U-label", "a b <ceo@bücher.example", "xn--bcher-kva.example"},
      {"U-label as sent", "a b <ceo@bücher.example", "cher.example"},
      {"U-label, capitals and combining", "a b <ceo@BU\u0308CHER.Example", "xn--bcher-kva.example"},
      {"U-label parted by a comment", "x y b\u00fc(c)cher.example z", "xn--bcher-kva.example"},
      {"U-label parted by a soft hyphen", "x y b\u00fcch\u00ader.example z", "xn--bcher-kva.example"},
      {"U-label between no-break spaces", "x y\u00a0b\u00fccher.example\u00a0z", "xn--bcher-kva.example"},
      {"U-label behind a label that is none", "x y \u2665.b\u00fccher.example", "xn--bcher-kva.example"},
      {"U-label beside dots", "x y ..b\u00fccher.example..", "xn--bcher-kva.example"},
      {"soft hyphen", "a b ac\u00adme.example", "acme.example"},
      {"soft hyphen and no-break space", "a b\u00a0ac\u00adme.example\u00a0", "acme.example"},
      {"zero-width space", "a b ac\u200bme.example", "acme.example"},
      {"byte order mark", "a b ac\ufeffme.example", "acme.example"},
      {"fullwidth letters", "a b ａｃｍｅ．example", "acme.example"},
      {"below the domain", "a mta.acme.example", "acme.example"},
      {"as a part of another: doubt", "a evilacme.example.net", "acme.example"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const HeaderFrom from = read(c.value);
    CHECK(from.addresses.empty());
    CHECK(from.mentions(name(c.mentioned)));
    CHECK_FALSE(from.mentions(name("beta.example")));
  }
}

TEST_CASE("From: nothing that looks like a domain mentions none") {
  for (const std::string value :
       {"", " ", "\n ", ",", ",,", "undisclosed senders:;", "<>", "John Public", "@", "\\", "\""}) {
    CAPTURE(value);
    const HeaderFrom from = read(value);
    CHECK(from.addresses.empty());
    CHECK(from.unreadable.size() >= 1);
    CHECK_FALSE(from.mentions(name("acme.example")));
  }
}

TEST_CASE("From: text that cannot be searched mentions what it might contain") {
  struct Case {
    const char* label;
    std::string value;
    bool a_label;
    bool ascii;
  };

  const std::vector<Case> cases{
      {"all ASCII", "a b", false, false},
      {"all UTF-8", "Jörg Müller", false, false},
      {"raw Latin-1", "J\xf6rg M\xfcller", true, false},
      {"UTF-8 that is no name", "a \u2665 b", true, false},
      {"encoded Cyrillic", "a =?koi8-r?q?=c1=c2?=", true, false},
      {"wrongly declared UTF-8", "a =?utf-8?q?=c1?=", true, false},
      {"encoded ASCII in a national charset", "a =?koi8-r?q?abc?=", false, false},
      {"UTF-16", "a =?utf-16?b?AGM=?=", true, true},
      {"UTF-7", "a =?utf-7?q?+AGE-?=", true, true},
      {"unknown charset", "a =?x-fancy?q?a?=", true, true},
      {"odd base64", "a =?utf-8?b?YW=NtZQ==?=", true, true},
      {"the same in a display name that is not judged", "=?utf-16?b?AGM=?= <x@evil.example>", false, false},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const HeaderFrom from = read(c.value);
    CHECK(from.mentions(name("xn--bcher-kva.example")) == c.a_label);
    CHECK(from.mentions(name("mx.xn--bcher-kva.example")) == c.a_label);
    CHECK(from.mentions(name("acme.example")) == c.ascii);
  }
}

TEST_CASE("From: more names than are converted mention everything") {
  std::string value = "<<";
  for (std::size_t i = 0; i < 2000; ++i)
    value += "\u00e4" + std::to_string(i) + ",";
  CHECK(read(value).mentions(name("acme.example")));
}

TEST_CASE("From: the readings are lower case and no two alike") {
  const HeaderFrom from = read("CEO at ACME.Example");
  const std::vector<std::string> expected{"ceo at acme.example", "ceoatacme.example"};
  CHECK(from.unreadable == expected);
}

TEST_CASE("From: the worst values take no more than their time") {
  const auto repeated = [](std::string_view part) {
    std::string text;
    while (text.size() + part.size() <= max_from_text)
      text += part;
    return text;
  };
  const auto start = std::chrono::steady_clock::now();
  for (const char* part : {"(",       "()",
                           "<",       "\"",
                           "\\",      ",",
                           ".",       "@",
                           "a@b,",    "a ",
                           "\u00e4 ", "\u00e4.",
                           "=?a?q?",  "=?",
                           "?=",      "=?utf-8?q?\u00e4?= ",
                           "x:;,",    "<@a:",
                           "\n ",     "\"(\"",
                           "[",       "b\u00fccher.example,"}) {
    CAPTURE(part);
    const HeaderFrom from = read(repeated(part));
    CHECK((!from.addresses.empty() || !from.unreadable.empty()));
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20)); // a second, or minutes
}
