#include "milter/encoded_words.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::milter;
using namespace std::string_literals;

TEST_CASE("encoded words are decoded as mail readers do") {
  struct Case {
    const char* label;
    std::string text;
    std::string decoded;
  };

  const std::vector<Case> cases{
      {"none", "ceo@acme.example", "ceo@acme.example"},
      {"Q", "=?utf-8?q?ceo=40acme.example?=", "ceo@acme.example"},
      {"B", "=?UTF-8?B?Y2VvQGFjbWUuZXhhbXBsZQ==?=", "ceo@acme.example"},
      {"B without padding", "=?utf-8?b?Y2VvQGFjbWUuZXhhbXBsZQ?=", "ceo@acme.example"},
      {"_ is a space", "=?us-ascii?Q?a_b?=", "a b"},
      {"with a language", "=?us-ascii*en?q?a?=", "a"},
      {"Latin-1", "=?ISO-8859-1?Q?b=FCcher?=", "bücher"},
      {"Latin-1 with a language", "=?iso-8859-1*de?q?b=fccher?=", "bücher"},
      {"Windows-1252", "=?windows-1252?q?b=fccher?=", "bücher"},
      {"Windows-1252, not Latin-1", "=?windows-1252?q?=9a?=", "\x9a"},
      {"another single-octet charset", "=?koi8-r?q?a=c1?=", "a\xc1"},
      {"text around", "x =?utf-8?q?a?= y", "x a y"},
      {"space between two", "=?utf-8?q?ac?= =?utf-8?b?bWU=?=", "acme"},
      {"folding between two", "=?utf-8?q?ac?=\n =?utf-8?b?bWU=?=", "acme"},
      {"nothing between two", "=?utf-8?q?ac?==?utf-8?b?bWU=?=", "acme"},
      {"text between two", "=?utf-8?q?ac?= - =?utf-8?b?bWU=?=", "ac - me"},
      {"in quotes", "\"=?utf-8?q?a?=\"", "\"a\""},
      {"white space within", "=?utf-8?q?a b?=", "a b"},
      {"no hexadecimal", "=?utf-8?q?=4g=?=", "=4g="},
      {"hexadecimal cut", "=?utf-8?q?=4?=", "=4"},
      {"NUL and line end", "=?utf-8?q?a=00=0a?=", "a\0\n"s},
      {"empty",
       "=?utf-8?q?"
       "?=",
       ""},
      {"no end", "=?utf-8?q?a", "=?utf-8?q?a"},
      {"no encoding", "=?utf-8?x?a?=", "=?utf-8?x?a?="},
      {"no charset", "=??q?a?=", "=??q?a?="},
      {"cut", "=?utf-8?", "=?utf-8?"},
      {"cut before the text", "?==?utf-8?q", "?==?utf-8?q"},
      {"one in a broken one", "=?x=?utf-8?q?a?=", "=?xa"},
      {"end that is the beginning", "=?utf-8?q?=", "=?utf-8?q?="},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const DecodedText decoded = decode_encoded_words(c.text);
    CHECK(decoded.text == c.decoded);
    CHECK(decoded.complete);
  }
}

TEST_CASE("encoded words that hide their text") {
  struct Case {
    const char* label;
    const char* text;
  };

  const std::vector<Case> cases{
      {"UTF-16", "=?utf-16?b?AGMAZQBv?="},       {"UTF-7", "=?utf-7?q?ceo+AEA-acme.example?="},
      {"ISO-2022", "=?iso-2022-jp?b?Y2Vv?="},    {"EBCDIC", "=?ibm037?q?=83?="},
      {"unknown", "=?x-unknown?q?a?="},          {"one of two", "=?utf-8?q?a?= =?utf-16?b?AGM=?="},
      {"padding inside", "=?utf-8?b?YQ=YWNt?="}, {"other characters in base64", "=?utf-8?b?Y-W-N-t?="},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK_FALSE(decode_encoded_words(c.text).complete);
  }
}

TEST_CASE("encoded words without an end take no more than their time") {
  std::string text;
  while (text.size() < 1024UL * 1024)
    text += "=?a?q?";
  CHECK(decode_encoded_words(text).text == text);
  CHECK(decode_encoded_words("?=" + text).text == "?=" + text);
}
