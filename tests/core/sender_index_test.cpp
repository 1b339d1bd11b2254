#include "daemon/core/sender_index.h"
#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <algorithm>

namespace danegate::core {
namespace {

using Numbers = std::vector<std::size_t>;

std::vector<AddressPattern> patterns(std::initializer_list<std::string_view> texts) {
  std::vector<AddressPattern> all;
  for (const auto text : texts)
    all.push_back(test::senders(text));
  return all;
}

Numbers all_of(SenderIndex::Candidates candidates) {
  Numbers all;
  while (const auto number = candidates.next())
    all.push_back(*number);
  return all;
}

TEST_CASE("Rules come in file order, each once, and only where they may be about the sender") {
  SenderIndex index;
  index.add(0, patterns({"acme.example", ".acme.example"}));
  index.add(1, {});
  index.add(2, patterns({".example"}));
  index.add(3, patterns({"ceo@acme.example", "<>"}));
  index.add(4, patterns({"other.example", "acme.example"}));

  struct Row {
    std::string_view sender;
    Numbers candidates;
  };

  const std::vector<Row> rows{
      {"ceo@acme.example", {0, 1, 2, 3, 4}},
      {"a@mail.acme.example", {0, 1, 2}},
      {"a@other.example", {1, 2, 4}},
      {"a@example", {1, 2}},
      {"", {1, 3}},
      {"nobody", {1}},
      {"a@notacme.example", {1, 2}},
      {"a@[192.0.2.1]", {1}},
  };
  for (const Row& row : rows) {
    CAPTURE(row.sender);
    CHECK(all_of(index.candidates(test::address(row.sender))) == row.candidates);
  }
}

TEST_CASE("No rule whose senders match is left out") {
  const auto all = patterns({"acme.example", ".acme.example", "a.b.c.acme.example", ".b.c.acme.example",
                             "ceo@acme.example", "CEO@ACME.example", "<>", ".example", "example", "x@example"});
  SenderIndex index;
  for (std::size_t i = 0; i < all.size(); ++i)
    index.add(i, std::span(&all[i], 1));
  for (const std::string_view text : {"ceo@acme.example", "x@a.b.c.acme.example", "x@z.a.b.c.acme.example", "x@example",
                                      "", "x", "x@b.c.acme.example", "Ceo@Acme.Example."}) {
    const auto sender = test::address(text);
    const auto candidates = all_of(index.candidates(sender));
    for (std::size_t i = 0; i < all.size(); ++i) {
      CAPTURE(text, i);
      if (all[i].matches(sender)) CHECK(std::ranges::find(candidates, i) != candidates.end());
    }
  }
}

TEST_CASE("A domain of as many labels as there can be") {
  std::string deepest = "a";
  while (deepest.size() + 2 <= DnsName::max_length)
    deepest += ".a";
  SenderIndex index;
  Numbers expected;
  index.add(0, {});
  expected.push_back(0);
  for (std::size_t at = 0; at < deepest.size(); at += 2) {
    const auto pattern = patterns({"." + deepest.substr(at)});
    index.add(expected.size(), pattern);
    expected.push_back(expected.size());
  }
  CHECK(all_of(index.candidates(test::address("x@" + deepest))) == expected);
}

} // namespace
} // namespace danegate::core
