#include "daemon/core/xtext.h"
#include "tests/support/catch.h"

using danegate::core::decode_xtext;

TEST_CASE("xtext: what decodes") {
  struct Row {
    const char* label;
    std::string_view encoded;
    std::string_view decoded;
  };

  using namespace std::string_view_literals;
  static constexpr Row rows[]{
      {"empty", "", ""},
      {"plain", "mta1.partner.example", "mta1.partner.example"},
      {"as Postfix 3.7 and 3.10 sent it", "Zo+C3+AB+20(cli)+20+2B+20host.example.org",
       "Zo\xC3\xAB (cli) + host.example.org"},
      {"lower-case digits", "a+2bb", "a+b"},
      {"equals sign bare, as Postfix sends it", "a=b", "a=b"},
      {"NUL", "a+00b", "a\0b"sv},
      {"last octet encoded", "x+FF", "x\xFF"},
      {"control characters", "+0A+0D", "\n\r"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const auto decoded = decode_xtext(row.encoded);
    REQUIRE(decoded);
    CHECK(*decoded == row.decoded);
  }
}

TEST_CASE("xtext: what does not") {
  struct Row {
    const char* label;
    std::string_view encoded;
  };

  static constexpr Row rows[]{
      {"plus at the end", "abc+"},
      {"one digit", "abc+2"},
      {"no digits", "a+zzb"},
      {"half a digit", "a+2zb"},
      {"sign for a digit", "a+ 2b"},
      {"space bare", "a b"},
      {"newline bare", "a\nb"},
      {"DEL bare", "a\x7F"},
      {"UTF-8 bare, as Postfix before 2.2.11", "Zo\xC3\xAB"},
      {"double plus", "a++2Bb"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK_FALSE(decode_xtext(row.encoded));
  }
}
