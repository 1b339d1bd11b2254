// Cutting standard input into requests.
#include "policy/requests.h"

#include "tests/support/catch.h"

namespace danegate::policy {

namespace {

constexpr std::size_t max_request = 4096;
const std::string one = "request=smtpd_access_policy\nprotocol_state=RCPT\n";
const std::string two = "request=smtpd_access_policy\nprotocol_state=DATA\n";

} // namespace

TEST_CASE("Requests one after the other, with more or fewer empty lines than there should be", "[policy]") {
  struct Row {
    const char* label;
    std::string text;
    std::vector<std::string> expected;
  };

  const std::vector<Row> rows{
      {"one", one + "\n", {one + "\n"}},
      {"end of input instead of the empty line", one, {one + "\n"}},
      {"no line end at all", one.substr(0, one.size() - 1), {one.substr(0, one.size() - 1) + "\n\n"}},
      {"two", one + "\n" + two + "\n", {one + "\n", two + "\n"}},
      {"empty lines all over", "\n\r\n" + one + "\n\n\n" + two + "\n\n", {one + "\n", two + "\n"}},
      {"CR before LF",
       "request=smtpd_access_policy\r\n\r\n" + two,
       {"request=smtpd_access_policy\r\n\r\n", two + "\n"}},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto found = split_requests(row.text, max_request);
    INFO((found ? std::string() : found.error()));
    REQUIRE(found);
    CHECK(*found == row.expected);
  }
}

TEST_CASE("What is no request is named by its number", "[policy]") {
  struct Row {
    const char* label;
    std::string text;
    const char* message;
  };

  const std::vector<Row> rows{
      {"nothing", "", "there is no request on standard input"},
      {"empty lines only", "\n\r\n\n", "there is no request on standard input"},
      {"no policy request", "hello=world\n\n", "request 1: "},
      {"no attribute", one + "\nthis is no request\n\n", "request 2: "},
      {"too long", one + "\n" + two + "sender=" + std::string(max_request, 'x') + "\n\n", "request 2: "},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto found = split_requests(row.text, max_request);
    REQUIRE_FALSE(found);
    INFO(found.error());
    CHECK(found.error().starts_with(row.message));
    CHECK(found.error().size() > std::string_view(row.message).size() - 1);
  }
}

} // namespace danegate::policy
