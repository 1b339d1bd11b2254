// Any text as a list of Postfix's, as an endpoint with options, and, line by line, as parameters: "name=value".
#include "daemon/ctl/restrictions.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"

#include <map>

using namespace danegate::ctl;
using danegate::test::require;

namespace {

constexpr std::string_view separators = ", \t\r\n";

/// No brace closes before it opens, and all are closed.
bool has_braces_in_pairs(std::string_view text) {
  std::size_t depth = 0;
  for (const char c : text) {
    if (c == '}' && depth == 0) return false;
    if (c == '{') ++depth;
    if (c == '}') --depth;
  }
  return depth == 0;
}

void look_at_words(const std::string& text) {
  const auto words = split_list(text);
  require(words.size() <= max_restrictions, "a list is bounded");
  std::string_view rest = text;
  std::string again;
  for (const auto& word : words) {
    const auto at = rest.find_first_not_of(separators);
    require(at != rest.npos && !word.empty() && rest.substr(at).starts_with(word), "words are in the text, in order");
    rest.remove_prefix(at + word.size());
    require(rest.empty() || separators.contains(rest.front()), "each up to where it ends");
    require(word.contains('{') || word.find_first_of(separators) == word.npos, "without braces it is one word");
    require(split_list(word) == std::vector{word}, "and a word is a list of one");
    again += word + ", ";
  }
  require(words.size() == max_restrictions || rest.find_first_not_of(separators) == rest.npos,
          "and there is nothing besides");
  again.resize(again.size() - (words.empty() ? 0 : 2)); // of braces that are never closed all is the word
  require(split_list(again) == words, "what was read is read again");
}

/// What the parameters of a text are, and their words.
struct Parameters {
  explicit Parameters(const std::string& text) {
    for (const auto line : danegate::test::lines_of(text)) {
      const std::size_t end = std::min(line.find('='), line.size());
      values.emplace(line.substr(0, end), line.substr(std::min(end + 1, line.size())));
    }
  }

  std::string_view operator()(std::string_view name) const {
    const auto found = values.find(name);
    return found == values.end() ? std::string_view() : std::string_view(found->second);
  }

  bool have(const std::string& holder, const std::string& word) {
    auto& known = words[holder];
    if (known.empty()) known = split_list((*this)(holder));
    return std::ranges::find(known, word) != known.end();
  }

  std::map<std::string, std::string, std::less<>> values;
  std::map<std::string, std::vector<std::string>> words;
};

bool same(const Restriction& a, const Restriction& b) {
  return a.name == b.name && a.argument == b.argument && a.warn_only == b.warn_only;
}

bool mean_the_same(const Restriction& a, const Restriction& b) {
  return a.is_map() == b.is_map() && a.is_unconditional() == b.is_unconditional() &&
         a.refuses_relay() == b.refuses_relay() && a.is_about_recipients() == b.is_about_recipients();
}

/// A list without classes.
Restrictions read(const std::string& list) {
  return unfold("list", [&](std::string_view name) { return name == "list" ? list : std::string_view(); });
}

void look_at_one(const std::string& list) {
  const auto restrictions = read(list);
  require(std::ranges::equal(read(join(restrictions)), restrictions, same), "a list that is written is read again");
  require(std::ranges::equal(read(danegate::test::shouted(list)), restrictions, mean_the_same),
          "letter case does not count");
}

void look_at_all(const std::string& text) {
  Parameters parameters(text);
  const auto restrictions = unfold("list", std::cref(parameters));
  require(restrictions.size() <= max_restrictions, "however classes are nested");
  const bool warns = danegate::test::shouted(text).contains("WARN_IF_REJECT");
  for (const auto& each : restrictions) {
    require(each.holder == "list" || parameters.have("smtpd_restriction_classes", each.holder),
            "it stands in the list or in a class");
    require(parameters.have(each.holder, each.name), "under its name");
    require(each.argument.empty() || parameters.have(each.holder, each.argument), "with its argument");
    require(!each.is("warn_if_reject") && (warns || !each.warn_only), "warn_if_reject is none, but before one");
    if (&each - restrictions.data() >= 20) continue; // for speed
    const auto again = read(each.text());
    require(again.size() == 1 && same(again.front(), each), "what is written is read again");
  }
}

bool is_regular(const Endpoint& endpoint) {
  return has_braces_in_pairs(endpoint.address) && std::ranges::all_of(endpoint.options, [](const auto& option) {
           return option.first.find_first_of("{}, \t\r\n") == std::string::npos && has_braces_in_pairs(option.second);
         });
}

void look_at_endpoint(const std::string& text) {
  const auto endpoint = Endpoint::parse(text);
  require(text.contains(endpoint.address), "an address comes from the text");
  for (const auto& [name, value] : endpoint.options)
    require(text.contains(name) && text.contains(value) && !name.contains('='), "and so does each option");
  require(!endpoint.address.empty() || endpoint.options.empty(), "the address is first");
  if (!text.starts_with('{') || !text.ends_with('}')) {
    const auto braced = Endpoint::parse("{" + text + "}");
    require(braced.address == endpoint.address && braced.options == endpoint.options, "braces around it are the same");
  }
  if (!is_regular(endpoint)) return;
  const auto again = Endpoint::parse(endpoint.text());
  require(again.address == endpoint.address && again.options == endpoint.options, "one that is written is read again");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = danegate::test::text_of(data, size);
  look_at_words(text);
  look_at_one(text);
  look_at_all(text);
  look_at_endpoint(text);
  return 0;
}
