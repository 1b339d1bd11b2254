// Several names in one verdict: who wins, whichever answers first.
#include "daemon/core/auth_flow.h"
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

namespace {

/// What can become of one name, in the order of precedence of DESIGN.md section 2 and of the reasons' table.
enum class Fate : unsigned char {
  match,
  bogus,
  timeout,
  failure,
  overload,
  not_allowed,
  mismatch,
  unusable,
  insecure,
  absent,
  not_listed,
  no_name
};

constexpr std::array<const char*, 12> fate_words{"pass match tag",
                                                 "temperror bogus defer",
                                                 "temperror dns-timeout defer",
                                                 "temperror dns-failure defer",
                                                 "temperror overload defer",
                                                 "policy not-allowed reject",
                                                 "fail mismatch reject",
                                                 "fail unusable reject",
                                                 "none insecure defer",
                                                 "none no-record defer",
                                                 "none not-listed reject",
                                                 "none no-name reject"};

AnswerPtr answer_for(Fate fate) {
  switch (fate) {
  case Fate::match:
  case Fate::not_allowed: return matching();
  case Fate::bogus: return bogus();
  case Fate::timeout: return failed(FailureKind::timeout);
  case Fate::failure: return failed(FailureKind::server_failure);
  case Fate::overload: return failed(FailureKind::overload);
  case Fate::mismatch: return differing();
  case Fate::unusable: return not_usable();
  case Fate::insecure: return insecure();
  case Fate::absent: return absent();
  case Fate::not_listed:
  case Fate::no_name: return nullptr;
  }
  return nullptr;
}

std::string claim_for(Fate fate, const std::string& host) {
  if (fate == Fate::no_name) return "unknown";
  if (fate == Fate::not_listed) return host + ".gamma.example";
  return host + (fate == Fate::match ? ".good" : ".bad") + ".acme.example";
}

/// A session that claims one name a fate, by {helo}, {subject} and {client}, and what DNS says of them.
struct Claimed {
  Scene scene;
  Scripts scripts;
  std::size_t asked = 0;
};

Claimed claim(const std::vector<Fate>& fates) {
  static const std::array<const char*, 3> templates{"_smtp-client.{helo}", "_smtp-client.{subject}",
                                                    "_smtp-client.{client}"};
  Claimed c;
  Rule rule = acme_rule();
  rule.identities = {identities("*.good.acme.example")};
  c.scene = acme_scene(rule);
  c.scene.templates.clear();
  for (std::size_t i = 0; i < fates.size(); ++i) {
    c.scene.templates.emplace_back(templates.at(i));
    const std::string host = claim_for(fates[i], "h" + std::to_string(i));
    (i == 0 ? c.scene.claims.helo : i == 1 ? c.scene.claims.subject : c.scene.claims.client) = host;
    if (const AnswerPtr answer = answer_for(fates[i])) {
      c.scripts["_smtp-client." + host] = {answer};
      ++c.asked;
    }
  }
  return c;
}

} // namespace

TEST_CASE("two names: a pass that satisfies the rule wins, then doubt, then the rest, whichever answers first") {
  std::size_t pairs = 0;
  for (std::size_t i = 0; i < fate_words.size(); ++i) {
    for (std::size_t j = 0; j < fate_words.size(); ++j) {
      const Claimed c = claim({static_cast<Fate>(i), static_cast<Fate>(j)});
      CAPTURE(fate_words[i], fate_words[j]);
      const std::size_t winner = std::min(i, j);
      for (const std::vector<std::size_t>& order : {std::vector<std::size_t>{0, 1}, std::vector<std::size_t>{1, 0}}) {
        const Run r = run(c.scene.flow(), c.scripts, c.asked == 2 ? order : std::vector<std::size_t>{});
        CHECK(words(r.decision.outcome) == fate_words[winner]);
        CHECK(r.asked.size() == c.asked);
        const bool named =
            winner == static_cast<std::size_t>(Fate::match) || winner == static_cast<std::size_t>(Fate::not_allowed);
        CHECK(authenticated_identity(r.decision, r.decision.outcome).empty() == !named);
      }
      ++pairs;
    }
  }
  CHECK(pairs == 144);
}

TEST_CASE("three names: the order of the answers changes nothing, not even who is named") {
  const std::array<Fate, 6> fates{Fate::match,    Fate::timeout, Fate::not_allowed,
                                  Fate::mismatch, Fate::absent,  Fate::bogus};
  const auto verdict = [](const Run& r) {
    const auto name = r.decision.outcome.name;
    return words(r.decision.outcome) + " by name " + (name ? std::to_string(*name) : "-");
  };
  std::size_t runs = 0;
  std::size_t differences = 0;
  for (std::size_t i = 0; i < fates.size() * fates.size() * fates.size(); ++i) {
    const std::vector<Fate> three{fates.at(i % 6), fates.at(i / 6 % 6), fates.at(i / 36)};
    const Claimed c = claim(three);
    std::vector<std::size_t> order{0, 1, 2};
    const std::string expected = verdict(run(c.scene.flow(), c.scripts, order));
    while (std::next_permutation(order.begin(), order.end())) {
      ++runs;
      const std::string is = verdict(run(c.scene.flow(), c.scripts, order));
      if (is == expected || ++differences > 3) continue;
      INFO("fates " << fate_words.at(static_cast<std::size_t>(three[0])) << ", "
                    << fate_words.at(static_cast<std::size_t>(three[1])) << ", "
                    << fate_words.at(static_cast<std::size_t>(three[2])));
      CAPTURE(order);
      CHECK(is == expected);
    }
  }
  CHECK(differences == 0);
  CHECK(runs == 6 * 6 * 6 * 5);
}

TEST_CASE("of several names that pass, the first template's is the client's") {
  const Claimed c = claim({Fate::absent, Fate::match, Fate::match});
  for (const std::vector<std::size_t>& order :
       {std::vector<std::size_t>{0, 1, 2}, std::vector<std::size_t>{2, 1, 0}, std::vector<std::size_t>{0, 2, 1}}) {
    CAPTURE(order);
    const Run r = run(c.scene.flow(), c.scripts, order);
    CHECK(authenticated_identity(r.decision, r.decision.outcome) == "h1.good.acme.example");
  }
}
