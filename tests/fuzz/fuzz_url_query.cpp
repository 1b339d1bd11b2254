// Any text as the query of a URL.
#include "daemon/core/digest.h"
#include "daemon/service/url_query.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"

using namespace danegate;
using service::parse_query;
using service::percent_encoded;
using service::UrlQuery;
using test::require;

namespace {

bool has_broken_escape(std::string_view text) {
  for (auto at = text.find('%'); at != text.npos; at = text.find('%', at + 1))
    if (at + 2 >= text.size() || !core::hex_digit(text[at + 1]) || !core::hex_digit(text[at + 2])) return true;
  return false;
}

std::vector<std::string_view> pairs_of(std::string_view text) {
  std::vector<std::string_view> pairs;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    if (end > 0) pairs.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return pairs;
}

std::string encoded(const UrlQuery& query) {
  std::string text;
  for (const auto& [key, value] : query)
    text += percent_encoded(key) + '=' + percent_encoded(value) + '&';
  return text;
}

void look_at(const std::string& text, const UrlQuery& query) {
  std::size_t octets = 0;
  for (const auto& [key, value] : query)
    octets += key.size() + value.size();
  require(octets <= text.size(), "what is read comes from the text");
  require(parse_query(encoded(query)) == query, "what was read is read again");
  if (query.size() < service::max_query_pairs && !query.contains("fresh")) {
    auto more = query;
    more.emplace("fresh", "a&b");
    require(parse_query(text + "&fres%68=a%26b") == more, "a parameter behind is one more");
  }
  if (!query.empty())
    require(!parse_query(text + '&' + percent_encoded(query.begin()->first) + '='),
            "one that is there twice is refused");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = test::text_of(data, size);
  const std::string coded = percent_encoded(text);
  require(coded.find_first_of("&=+ ") == coded.npos && test::is_printable(coded), "what is encoded is one word");
  require(parse_query("x=" + coded) == UrlQuery{{"x", text}}, "what was encoded is decoded");
  require(parse_query(coded + "=x") == UrlQuery{{text, "x"}}, "in a key, too");
  const auto query = parse_query(text);
  const auto pairs = pairs_of(text);
  std::string backwards;
  for (auto pair = pairs.rbegin(); pair != pairs.rend(); ++pair)
    backwards.append(*pair).append("&");
  const auto same = parse_query(backwards);
  require(same.has_value() == query.has_value() && (!query || *same == *query), "the order does not count");
  if (!query) {
    require(!query.error().empty() && test::is_printable(query.error()), "an error says why");
    require(has_broken_escape(text) || pairs.size() > 1, "one parameter of whole octets is right");
    return 0;
  }
  require(!has_broken_escape(text), "half an octet is none");
  require(query->size() == pairs.size() && pairs.size() <= service::max_query_pairs, "one for each, and not too many");
  look_at(text, *query);
  return 0;
}
