#include "milter/lenient_text.h"
#include "milter/utf8.h"
#include "tests/support/catch.h"
#include "tests/support/fake_idna.h"

#include <string>
#include <vector>

using namespace danegate::milter;
using danegate::test::fake_to_ascii;

TEST_CASE("the readings of a text") {
  struct Case {
    const char* label;
    const char* text;
    std::vector<std::string> readings;
  };

  const std::vector<Case> cases{
      {"one", "abc", {"abc"}},
      {"empty", "", {""}},
      {"case", "AbC", {"abc"}},
      {"white space", "a\tb", {"a\tb", "a b", "ab"}},
      {"quotes", "\"a\\b\"", {"\"a\\b\"", "ab"}},
      {"a comment", "a(b)c", {"a(b)c", "ac"}},
      {"a nested comment", "a(b(c)d)e", {"a(b(c)d)e", "ae"}},
      {"an open one", "a(b(c)d", {"a(b(c)d", "a(bd", "a"}},
      {"one in quotes", "\"(a\"(b)\")", {"\"(a\"(b)\")", "(a(b))", "", "(a)"}},
      {"a quoted parenthesis", "a(\\))b", {"a(\\))b", "a())b", "a)b", "ab"}},
      {"a backslash at the end", "a\\", {"a\\", "a"}},
      {"closed too often", "a)b", {"a)b"}},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const Readings readings = lenient_readings(c.text, fake_to_ascii);

    CHECK(readings.texts == c.readings);
    CHECK_FALSE(readings.exhausted);
    CHECK_FALSE(readings.unconverted);
  }
}

TEST_CASE("the readings of a text with names") {
  const Readings names = lenient_readings("x b\u00fccher.example", fake_to_ascii);
  const std::vector<std::string> expected{"x b\u00fccher.example", "xb\u00fccher.example", "x xn--bcher-kva.example"};
  CHECK(names.texts == expected);
  CHECK(names.unconverted); // the reading where "x" is a part of it
  CHECK(lenient_readings("k\u00f6ln", fake_to_ascii).unconverted);
  CHECK(lenient_readings("k\u00f6ln", nullptr).unconverted);
  CHECK_FALSE(lenient_readings("koeln", nullptr).unconverted);
}

TEST_CASE("the number of conversions has a bound") {
  const auto names = [](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i)
      text += "@b\u00fccher.example";
    return text;
  };
  CHECK_FALSE(lenient_readings(names(max_conversions), fake_to_ascii).exhausted);
  CHECK(lenient_readings(names(max_conversions + 1), fake_to_ascii).exhausted);
}

TEST_CASE("text outside comments") {
  CHECK(outside_comments("A (b) c \"(d)\" \\(e") == "ac(d)(e");
}

TEST_CASE("UTF-8") {
  struct Case {
    const char* label;
    std::string text;
    bool valid;
  };

  const std::vector<Case> cases{
      {"empty", "", true},
      {"ASCII", "a\x7f", true},
      {"two octets", "\xc2\x80\xdf\xbf", true},
      {"three", "\xe0\xa0\x80\xef\xbf\xbf", true},
      {"around the surrogates", "\xed\x9f\xbf\xee\x80\x80", true},
      {"four", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
      {"middle planes", "\xf1\x80\x80\x80\xf3\xbf\xbf\xbf", true},
      {"lone continuation", "\x80", false},
      {"over-long, two", "\xc1\xbf", false},
      {"over-long, three", "\xe0\x9f\xbf", false},
      {"over-long, four", "\xf0\x8f\xbf\xbf", false},
      {"surrogate", "\xed\xa0\x80", false},
      {"beyond the last", "\xf4\x90\x80\x80", false},
      {"five octets", "\xf8\x88\x80\x80\x80", false},
      {"0xff", "\xff", false},
      {"cut", "\xe2\x82", false},
      {"cut by ASCII", "\xe2\x82z", false},
      {"third octet", "\xf0\x90\x80z", false},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK(is_utf8(c.text) == c.valid);
  }
}
