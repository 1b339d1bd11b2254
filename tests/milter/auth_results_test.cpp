#include "milter/auth_results.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::milter;
using namespace std::string_literals;

namespace {

/// All that was read, in brackets, so that nothing hides in white space.
std::string shown(const AuthResults& field) {
  std::string text = "[" + field.authserv_id + "]" + field.version;
  for (const auto& method : field.methods) {
    text += "; " + method.name + (method.version.empty() ? "" : "/" + method.version) + "=" + method.result;
    if (!method.reason.empty()) text += " reason[" + method.reason + "]";
    for (const auto& property : method.properties)
      text += " " + property.type + "." + property.name + "[" + property.value + "]";
  }
  return text;
}

} // namespace

TEST_CASE("Authentication-Results: what is read") {
  struct Case {
    const char* label;
    std::string value;
    const char* shown;
  };

  const std::vector<Case> cases{
      // RFC 8601 appendix B
      {"B.2", "example.org 1; none", "[example.org]1"},
      {"B.3", "example.com;\n          spf=pass smtp.mailfrom=example.net",
       "[example.com]; spf=pass smtp.mailfrom[example.net]"},
      {"B.4", "example.com;\n auth=pass (cram-md5) smtp.auth=sender@example.net;\n spf=pass smtp.mailfrom=example.net",
       "[example.com]; auth=pass smtp.auth[sender@example.net]; spf=pass smtp.mailfrom[example.net]"},
      {"B.5", "example.com;\r\n  dkim=pass (good signature) header.d=example.com",
       "[example.com]; dkim=pass header.d[example.com]"},
      {"B.6",
       "example.com; dkim=pass reason=\"good signature\" header.i=@mail-router.example.net;\n"
       "  dkim=fail reason=\"bad signature\" header.i=@newyork.example.com",
       "[example.com]; dkim=pass reason[good signature] header.i[@mail-router.example.net]; "
       "dkim=fail reason[bad signature] header.i[@newyork.example.com]"},
      {"B.7",
       "foo.example.net (foobar) 1 (baz);\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\n"
       "      policy (A dot can go here) . (like that) expired\n      (this surprised me) = (as I wasn't expecting it) "
       "1362471462",
       "[foo.example.net]1; dkim/1=fail policy.expired[1362471462]"},
      // ours
      {"ours", "mx.example.net; x-dane-client=pass reason=\"match\" policy.dane-id=mta1.acme.example dns.sec=yes",
       "[mx.example.net]; x-dane-client=pass reason[match] policy.dane-id[mta1.acme.example] dns.sec[yes]"},
      // where things may stand
      {"white space around", " \t mx.example.net \t;\t none \t", "[mx.example.net]"},
      {"no white space", "mx.example.net;spf=pass;dkim=fail", "[mx.example.net]; spf=pass; dkim=fail"},
      {"comment before the id", "(x(y)z)mx.example.net; none", "[mx.example.net]"},
      {"comment with a quoted parenthesis", "mx.example.net (\\)\\(); none", "[mx.example.net]"},
      {"comment with a quote", "mx.example.net (\"); none", "[mx.example.net]"},
      {"comment with Latin-1", "mx.example.net (G\xf6teborg); none", "[mx.example.net]"},
      {"comment over lines", "mx.example.net (a\n b\r\n\tc); none", "[mx.example.net]"},
      {"many lines", "mx.example.net\n ;\n \n  none\n", "[mx.example.net]"},
      {"deep comment", "mx.example.net " + std::string(10000, '(') + std::string(10000, ')') + "; none",
       "[mx.example.net]"},
      {"spaces around =", "a; spf = pass smtp . mailfrom = b", "[a]; spf=pass smtp.mailfrom[b]"},
      // the id
      {"quoted id", "\"mx.example.net\"; none", "[mx.example.net]"},
      {"quoted pairs in the id", "\"\\m\\x.\\\"\"; none", "[mx.\"]"},
      {"folded in the quoted id", "\"mx.\n example.net\"; none", "[mx. example.net]"},
      {"empty quoted id", "\"\"; none", "[]"},
      {"UTF-8 id", "mx.bücher.example; none", "[mx.bücher.example]"},
      {"id of other characters", "mx!#$%&'*+-^_`{|}~; none", "[mx!#$%&'*+-^_`{|}~]"},
      {"version behind a quoted id", "\"mx\"1; none", "[mx]1"},
      {"version 2", "mx 2; spf=pass", "[mx]2; spf=pass"},
      {"long version", "mx 00000000000000000000000000000001; none", "[mx]00000000000000000000000000000001"},
      // harmless deviations
      {"nothing but an id", "mx.example.net", "[mx.example.net]"},
      {"no result", "mx.example.net;", "[mx.example.net]"},
      {"; at the end", "mx.example.net; spf=pass;", "[mx.example.net]; spf=pass"},
      {"; twice", "mx.example.net;; spf=pass ; ; dkim=none", "[mx.example.net]; spf=pass; dkim=none"},
      {"reason behind a property", "a; spf=pass smtp.helo=b reason=c", "[a]; spf=pass reason[c] smtp.helo[b]"},
      {"no space behind a quoted value", "a; spf=pass reason=\"c\"smtp.helo=b", "[a]; spf=pass reason[c] smtp.helo[b]"},
      {"_ in a keyword", "a; x_y=pass", "[a]; x_y=pass"},
      // values
      {"local part of an atom's characters", "a; spf=pass smtp.mailfrom=prvs=1/2?x=b@c.example",
       "[a]; spf=pass smtp.mailfrom[prvs=1/2?x=b@c.example]"},
      {"local part quoted", "a; spf=pass smtp.mailfrom=\"x y\"@c.example",
       "[a]; spf=pass smtp.mailfrom[x y@c.example]"},
      {"@ with space", "a; spf=pass smtp.mailfrom=x (c) @ c.example", "[a]; spf=pass smtp.mailfrom[x@c.example]"},
      {"quoted value with everything", "a; spf=pass reason=\"; x-dane-client=pass (\\\"\"",
       "[a]; spf=pass reason[; x-dane-client=pass (\"]"},
      {"UTF-8 value", "a; spf=pass smtp.mailfrom=jörg@bücher.example",
       "[a]; spf=pass smtp.mailfrom[jörg@bücher.example]"},
      {"empty quoted value", "a; spf=pass reason=\"\" smtp.helo=\"\"", "[a]; spf=pass smtp.helo[]"},
      {"a method called none", "a; none=pass", "[a]; none=pass"},
      {"NONE", "a; NONE", "[a]"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto parsed = parse_auth_results(c.value);
    REQUIRE(parsed.has_value());
    CHECK(shown(*parsed) == c.shown);
  }
}

TEST_CASE("Authentication-Results: what cannot be parsed") {
  struct Case {
    const char* label;
    std::string value;
  };

  const std::vector<Case> cases{
      {"empty", ""},
      {"white space", " \n "},
      {"only a comment", "(mx.example.net)"},
      {"only ;", ";"},
      {"no id", "; spf=pass"},
      {"no id, as some large providers send it", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example"},
      {"method without =", "a; spf"},
      {"method without result", "a; spf="},
      {"result quoted", "a; spf=\"pass\""},
      {"method quoted", "a; \"spf\"=pass"},
      {"method parted by a comment", "a; x-dane(c)-client=pass"},
      {"method parted by white space", "a; x-dane -client=pass"},
      {"method with a dot", "a; spf.x=pass"},
      {"method of UTF-8", "a; spf\u00e9=pass"},
      {"method version without digits", "a; spf/=pass"},
      {"method version of letters", "a; spf/x=pass"},
      {"none and more", "a; none; spf=pass"},
      {"more and none", "a; spf=pass; none"},
      {"none twice", "a; none; none"},
      {"version of letters", "a v1; none"},
      {"version twice", "a 1 1; none"},
      {"version glued to ;x", "a 1x; none"},
      {"id parted by a comment", "mx.(c)example.net; none"},
      {"id with a slash", "mx.example.net/1; none"},
      {"id with a port", "mx.example.net:25; none"},
      {"id in angle brackets", "<mx.example.net>; none"},
      {"id twice", "mx.example.net mx.example.net; none"},
      {"token before a quoted string", "mx\"x\"; none"},
      {"property without a type", "a; dmarc=pass action=none"},
      {"property without a name", "a; spf=pass smtp.=x"},
      {"property without a value", "a; spf=pass smtp.mailfrom="},
      {"property's value missing before ;", "a; spf=pass smtp.mailfrom=; dkim=none"},
      {"two dots", "a; spf=pass smtp.mail.from=x"},
      {"reason twice", "a; spf=pass reason=x reason=y"},
      {"/ without @", "a; dkim=pass header.b=ab/cd"},
      {"= without @", "a; dkim=pass header.b=ab=="},
      {"@ without a domain", "a; spf=pass smtp.mailfrom=x@"},
      {"two @", "a; spf=pass smtp.mailfrom=x@y@z"},
      {"address literal", "a; spf=pass smtp.mailfrom=x@[192.0.2.1]"},
      {"comma", "a; spf=pass, dkim=pass"},
      {"open comment", "a; spf=pass (x"},
      {"comment closed too often", "a; spf=pass (x))"},
      {"comment that ends in a backslash", "a; spf=pass (x\\"},
      {"open quote", "a; spf=pass reason=\"x"},
      {"quote that ends in a backslash", "a; spf=pass reason=\"x\\"},
      {"quote closed by a quoted quote", "a; spf=pass reason=\"x\\\""},
      {"NUL in the id", "mx\0.example.net; none"s},
      {"NUL behind", "a; none\0"s},
      {"NUL in quotes", "\"a\0\"; none"s},
      {"NUL in a comment", "a (\0); none"s},
      {"control in quotes", "\"a\x01\"; none"},
      {"DEL", "a\x7f; none"},
      {"line break that folds nothing", "a;\nspf=pass"},
      {"line break in quotes", "\"a\nb\"; none"},
      {"line break in a comment", "a (\nb); none"},
      {"lone CR", "a;\r spf=pass"},
      {"quoted line break", "\"a\\\n b\"; none"},
      {"Latin-1 in the id", "b\xfc"
                            "cher; none"},
      {"Latin-1 in a quoted value", "a; spf=pass reason=\"\xfc\""},
      {"over-long UTF-8", "a\xc0\xaf; none"},
      {"surrogate", "a\xed\xa0\x80; none"},
      {"beyond Unicode", "a\xf4\x90\x80\x80; none"},
      {"cut UTF-8", "a\xe2\x82; none"},
      {"encoded word", "=?utf-8?q?mx.example.net?=; none"},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK_FALSE(parse_auth_results(c.value).has_value());
  }
}

TEST_CASE("Authentication-Results: the bound on the length") {
  const std::string field = "mx.example.net; none";
  CHECK(parse_auth_results(field + std::string(max_auth_results - field.size(), ' ')).has_value());
  CHECK_FALSE(parse_auth_results(field + std::string(max_auth_results - field.size() + 1, ' ')).has_value());
}
