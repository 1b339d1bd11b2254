#include "policy/inbox.h"
#include "tests/policy/builders.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace danegate::policy;
using danegate::test::attributes;
using danegate::test::wire;

namespace {

/// As much of `text` as one read brings.
std::size_t receive(Inbox& inbox, std::string_view text, std::size_t at_most) {
  const auto space = inbox.space();
  const std::size_t octets = std::min({space.size(), text.size(), at_most});
  std::ranges::copy(text.substr(0, octets), space.begin());
  inbox.filled(octets);
  return octets;
}

} // namespace

TEST_CASE("inbox: requests come out whole and in order, however they come in") {
  std::string stream;
  std::vector<std::string> sent;
  for (int i = 0; i < 40; ++i) {
    sent.push_back(
        wire(attributes({{"queue_id", std::to_string(i)}, {"stress", std::string(i == 7 ? 6000U : 10U, 's')}})));
    stream += sent.back();
  }
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{1000}, std::size_t{100000}}) {
    INFO(piece);
    Inbox inbox{16384};
    std::string_view rest = stream;
    std::vector<std::string> got;
    while (got.size() < sent.size()) {
      const auto text = inbox.next();
      REQUIRE(text);
      if (*text) {
        got.emplace_back(**text);
        inbox.consumed();
        inbox.begin(16384);
      } else {
        REQUIRE_FALSE(rest.empty());
        rest.remove_prefix(receive(inbox, rest, piece));
      }
    }
    CHECK(got == sent);
    CHECK(rest.empty());
    CHECK(inbox.empty());
  }
}

TEST_CASE("inbox: does not grow past its bound, and shrinks after a large request") {
  Inbox inbox{16384};
  const std::string line = "a=" + std::string(1000, 'x') + "\n";
  std::size_t received = 0;
  while (true) {
    const auto text = inbox.next();
    if (!text) {
      CHECK(text.error() == RequestError::too_large);
      break;
    }
    REQUIRE_FALSE(*text);
    const auto space = inbox.space();
    CHECK(space.size() <= 2 * 16384);
    for (char& c : space)
      c = line[received++ % line.size()];
    inbox.filled(space.size());
    REQUIRE(received <= 4 * 16384);
  }

  Inbox second{16384};
  std::string large = wire(attributes({{"stress", std::string(6000, 's')}}));
  std::string_view rest = large;
  while (!rest.empty())
    rest.remove_prefix(receive(second, rest, rest.size()));
  const auto text = second.next();
  REQUIRE((text && *text));
  CHECK(**text == large);
  second.consumed();
  CHECK(second.empty());
  CHECK(second.space().size() == Inbox::usual_size);
}

TEST_CASE("inbox: an octet of the next request is not lost, nor counted to the last") {
  Inbox inbox{4096};
  const std::string one = wire(attributes());
  REQUIRE(receive(inbox, one + "r", 100000) == one.size() + 1);
  REQUIRE(inbox.next().value());
  inbox.consumed();
  inbox.begin(4096);
  CHECK_FALSE(inbox.empty());
  CHECK_FALSE(inbox.next().value());
  REQUIRE(receive(inbox, one.substr(1), 100000) == one.size() - 1);
  CHECK(inbox.next().value() == one);
}
