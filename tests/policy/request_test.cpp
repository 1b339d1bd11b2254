#include "policy/request.h"
#include "tests/policy/builders.h"
#include "tests/support/catch.h"

#include <optional>

using namespace danegate::policy;
using danegate::test::Attributes;
using danegate::test::wire;

namespace {

constexpr std::size_t plenty = 65536;

std::string value_of_size(std::size_t line) {
  return std::string(line - std::string("sender=").size(), 'x');
}

Attributes many(std::size_t count) {
  Attributes all{{"request", "smtpd_access_policy"}};
  while (all.size() < count)
    all.emplace_back("a" + std::to_string(all.size()), "");
  return all;
}

/// One octet after the other, as the worst of peers sends it: what the scanner says, and after how many octets.
std::pair<std::optional<RequestError>, std::size_t> trickle(std::string_view text, std::size_t max_octets) {
  RequestScanner scanner{max_octets};
  for (std::size_t length = 1; length <= text.size(); ++length) {
    const auto result = scanner.scan(text.substr(0, length));
    if (!result) return {result.error(), length};
    if (*result) return {std::nullopt, **result};
  }
  return {std::nullopt, 0};
}

} // namespace

TEST_CASE("request: attributes in any order, unknown ones, missing ones, empty ones") {
  const std::string text = wire({{"helo_name", "mta1=x.example"},
                                 {"tls_sni", "mx.example.net"},
                                 {"sender", ""},
                                 {"request", "smtpd_access_policy"},
                                 {"tls_sni", "given twice, but nobody looks"}});
  const auto request = Request::parse(text);
  REQUIRE(request);
  CHECK(request->get(Attribute::helo_name) == "mta1=x.example");
  CHECK(request->has(Attribute::sender));
  CHECK(request->get(Attribute::sender).empty());
  CHECK_FALSE(request->has(Attribute::recipient));
  CHECK(request->get(Attribute::recipient).empty());
}

TEST_CASE("request: every attribute that we know is read under its own name") {
  for (std::size_t i = 0; i < attribute_count; ++i) {
    const auto attribute = static_cast<Attribute>(i);
    if (attribute == Attribute::request) continue;
    INFO(name_of(attribute));
    const std::string text = wire({{"request", "smtpd_access_policy"}, {std::string(name_of(attribute)), "v"}});
    const auto request = Request::parse(text);
    REQUIRE(request);
    for (std::size_t j = 0; j < attribute_count; ++j) {
      const auto other = static_cast<Attribute>(j);
      if (other != Attribute::request) CHECK(request->has(other) == (other == attribute));
    }
    CHECK(request->get(attribute) == "v");
  }
}

TEST_CASE("request: the first = ends the name, wherever it stands and whatever stands before it") {
  const std::string lead = "request=smtpd_access_policy\n";
  for (std::size_t length = 1; length <= 40; ++length) {
    for (const char octet : {'<', '>', 'x', '\x01', static_cast<char>(0xbd), static_cast<char>(0xff)}) {
      CAPTURE(length, static_cast<int>(octet));
      const std::string name(length, octet);
      const auto bare = Request::parse(lead + name + "\n\n");
      REQUIRE_FALSE(bare);
      CHECK(bare.error() == RequestError::no_equals_sign);
      const std::string text = lead + name + "=sender=a@acme.example\nhelo_name=a=b\n\n";
      const auto request = Request::parse(text);
      REQUIRE(request);
      CHECK_FALSE(request->has(Attribute::sender));
      CHECK(request->get(Attribute::helo_name) == "a=b");
    }
  }
}

TEST_CASE("request: a CR before the LF is no part of the value") {
  const std::string text = "request=smtpd_access_policy\r\nsender=a@acme.example\r\n\r\n";
  RequestScanner scanner{plenty};
  const auto length = scanner.scan(text);
  REQUIRE(length);
  CHECK(*length == text.size());
  const auto request = Request::parse(text);
  REQUIRE(request);
  CHECK(request->get(Attribute::sender) == "a@acme.example");
}

TEST_CASE("request: an attribute that is used twice") {
  struct Row {
    const char* label;
    Attributes attributes;
    bool good;
  };

  const std::string digest{danegate::test::some_digest};
  const std::vector<Row> rows{
      {"the same value", {{"sender", "a@b"}, {"sender", "a@b"}}, true},
      {"another value", {{"sender", "a@b"}, {"sender", "c@d"}}, false},
      {"empty, then a value", {{"ccert_fingerprint", ""}, {"ccert_fingerprint", digest}}, false},
      {"a value, then empty", {{"ccert_fingerprint", digest}, {"ccert_fingerprint", ""}}, false},
      {"an injected issuer", {{"ccert_issuer", ""}, {"helo_name", "x"}, {"ccert_issuer", "CA"}}, false},
      {"an injected context", {{"policy_context", "smtp"}, {"policy_context", "open"}}, false},
      {"one that nobody reads", {{"size", "0"}, {"size", "1"}}, true},
      {"the request itself", {{"request", "smtpd_access_policy"}, {"request", "junk"}}, false},
  };
  for (Row row : rows) {
    INFO(row.label);
    if (row.attributes.front().first != "request") {
      row.attributes.insert(row.attributes.begin(), {"request", "smtpd_access_policy"});
    }
    const std::string text = wire(row.attributes);
    const auto request = Request::parse(text);
    CHECK(request.has_value() == row.good);
    if (!request) CHECK(request.error() == RequestError::contradiction);
  }
}

TEST_CASE("request: malformed ones, whole and octet by octet") {
  struct Row {
    const char* label;
    std::string text;
    RequestError error;
  };

  using namespace std::string_literals;
  const std::string head = "request=smtpd_access_policy\n";
  const std::vector<Row> rows{
      {"nothing at all", "\n", RequestError::wrong_request},
      {"nothing at all, with CR", "\r\n", RequestError::wrong_request},
      {"no request attribute", "sender=a@b\n\n", RequestError::wrong_request},
      {"another request", "request=junk\n\n", RequestError::wrong_request},
      {"request with a space", "request= smtpd_access_policy\n\n", RequestError::wrong_request},
      {"line without =", head + "protocol_state\n\n", RequestError::no_equals_sign},
      {"line without a name", head + "=RCPT\n\n", RequestError::no_equals_sign},
      {"HTTP", "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", RequestError::no_equals_sign},
      {"SMTP", "EHLO mta1.example\r\n", RequestError::no_equals_sign},
      {"NUL in a value", head + "sender=a\0b\n\n"s, RequestError::nul_octet},
      {"NUL in a name", head + "sen\0der=ab\n\n"s, RequestError::nul_octet},
      {"NUL first", "\0\0\0\0"s, RequestError::nul_octet},
      {"line over its bound", head + "sender=" + value_of_size(RequestScanner::max_line + 1) + "\n\n",
       RequestError::line_too_long},
      {"line that never ends", head + std::string(plenty, 'x'), RequestError::line_too_long},
      {"one attribute too many", wire(many(RequestScanner::max_attributes + 1)), RequestError::too_many_attributes},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    RequestScanner scanner{plenty};
    const auto scanned = scanner.scan(row.text);
    const auto [trickled, octets] = trickle(row.text, plenty);
    if (scanned) {
      REQUIRE(*scanned); // framed; then the reading of it finds the error
      CHECK_FALSE(trickled);
    } else {
      CHECK(scanned.error() == row.error);
      REQUIRE(trickled);
      CHECK(*trickled == row.error);
      CHECK(octets <= row.text.size());
    }
    const auto request = Request::parse(row.text);
    REQUIRE_FALSE(request);
    CHECK(request.error() == row.error);
  }
}

TEST_CASE("request: bounds are reached, not passed") {
  const std::string longest_line =
      wire({{"request", "smtpd_access_policy"}, {"sender", value_of_size(RequestScanner::max_line)}});
  const std::string most_lines = wire(many(RequestScanner::max_attributes));
  // What Postfix can send at most: three addresses of its line length limit, two names of 255 octets, all encoded.
  const std::string long_value(2048, 'x');
  const std::string name(3 * 255, 'x');
  const std::string postfix = wire({{"request", "smtpd_access_policy"},
                                    {"helo_name", long_value},
                                    {"sender", long_value},
                                    {"recipient", long_value},
                                    {"ccert_subject", name},
                                    {"ccert_issuer", name}});
  for (const std::string& text : {longest_line, most_lines, postfix}) {
    RequestScanner scanner{text.size()};
    const auto length = scanner.scan(text);
    REQUIRE(length);
    CHECK(*length == text.size());
    CHECK(Request::parse(text));
  }
}

TEST_CASE("request: size bound, whole and octet by octet") {
  const std::string text = wire(danegate::test::attributes());

  struct Row {
    const char* label;
    std::size_t max;
    bool good;
  };

  const Row rows[]{
      {"exactly", text.size(), true}, {"one less", text.size() - 1, false}, {"half", text.size() / 2, false}};
  for (const Row& row : rows) {
    INFO(row.label);
    RequestScanner scanner{row.max};
    const auto whole = scanner.scan(text);
    const auto [error, octets] = trickle(text, row.max);
    CHECK(whole.has_value() == row.good);
    CHECK(error.has_value() != row.good);
    CHECK(octets == row.max);
    if (!row.good) {
      CHECK(whole.error() == RequestError::too_large);
      CHECK(*error == RequestError::too_large);
    }
  }
}

TEST_CASE("request: the scanner stops at the first of several requests") {
  const std::string one = wire(danegate::test::attributes());
  RequestScanner scanner{one.size()};
  const auto length = scanner.scan(one + one + "request=");
  REQUIRE(length);
  CHECK(*length == one.size());
  CHECK(trickle(one + one, one.size()) == std::pair{std::optional<RequestError>{}, one.size()});
}

TEST_CASE("request: every error has a word and a sentence of its own") {
  std::vector<std::string_view> seen;
  for (int i = 0; i <= static_cast<int>(RequestError::contradiction); ++i) {
    const auto error = static_cast<RequestError>(i);
    for (const std::string_view text : {token(error), describe(error)}) {
      CHECK(text != "unknown");
      CHECK(std::ranges::find(seen, text) == seen.end());
      seen.push_back(text);
    }
  }
}

TEST_CASE("request: stages") {
  struct Row {
    std::string_view word;
    Stage stage;
  };

  static constexpr Row rows[]{
      {"CONNECT", Stage::before_mail}, {"EHLO", Stage::before_mail},   {"HELO", Stage::before_mail},
      {"MAIL", Stage::mail},           {"RCPT", Stage::rcpt},          {"rcpt", Stage::rcpt},
      {"DATA", Stage::data},           {"BDAT", Stage::data},          {"END-OF-MESSAGE", Stage::end_of_message},
      {"VRFY", Stage::other_command},  {"ETRN", Stage::other_command}, {"", Stage::unknown},
      {"RCPT ", Stage::unknown},       {"XFOO", Stage::unknown},
  };
  for (const Row& row : rows) {
    INFO(row.word);
    CHECK(stage_of(row.word) == row.stage);
  }
}
