#include "daemon/service/url_query.h"

#include "tests/support/catch.h"

using namespace danegate;
using service::parse_query;
using service::percent_encoded;
using service::UrlQuery;

TEST_CASE("url query: pairs") {
  struct Row {
    const char* label;
    std::string query;
    UrlQuery pairs;
  };

  const Row rows[]{
      {"nothing", "", {}},
      {"one", "name=a.example", {{"name", "a.example"}}},
      {"two", "a=1&b=2", {{"a", "1"}, {"b", "2"}}},
      {"without a value", "flush", {{"flush", ""}}},
      {"empty value", "name=", {{"name", ""}}},
      {"a second =", "a=b=c", {{"a", "b=c"}}},
      {"empty pairs", "&a=1&&b=2&", {{"a", "1"}, {"b", "2"}}},
      {"encoded", "n%61me=%5fsmtp%2Dclient.x%C3%A9", {{"name", "_smtp-client.x\xC3\xA9"}}},
      {"a plus is a plus", "a=1+2", {{"a", "1+2"}}},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const auto parsed = parse_query(row.query);
    REQUIRE(parsed);
    CHECK(*parsed == row.pairs);
  }
}

TEST_CASE("url query: what is wrong is refused") {
  std::string many;
  for (std::size_t i = 0; i <= service::max_query_pairs; ++i)
    many += "a" + std::to_string(i) + "=&";
  for (const auto& query : {std::string("a=%"), std::string("a=%4"), std::string("a=%4g"), std::string("%=1"),
                            std::string("a=1&a=2"), many}) {
    INFO(query);
    CHECK_FALSE(parse_query(query));
  }
}

TEST_CASE("url query: whatever is encoded comes back") {
  std::string every;
  for (int c = 0; c < 256; ++c)
    every += static_cast<char>(c);
  CHECK(percent_encoded("_smtp-client.a~b") == "_smtp-client.a~b");
  CHECK(percent_encoded("a b&c=%") == "a%20b%26c%3D%25");
  CHECK(parse_query("x=" + percent_encoded(every)) == UrlQuery{{"x", every}});
}
