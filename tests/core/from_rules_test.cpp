// Rules with `from`: which of them judge a message, and how several of them become one verdict.
#include "tests/core/acme_scene.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::test;

namespace {

AddressPattern author(std::string_view text) {
  return senders(text);
}

HeaderFrom from(std::initializer_list<std::string_view> addresses) {
  HeaderFrom header;
  for (const auto text : addresses)
    header.addresses.push_back(address(text));
  return header;
}

HeaderFrom unreadable(std::string text) {
  HeaderFrom header;
  header.unreadable = {std::move(text)};
  return header;
}

Rule from_rule(std::string name, std::string_view domain) {
  Rule rule;
  rule.name = std::move(name);
  rule.from = {author(domain)};
  return rule;
}

/// "acme beta(monitor)"
std::string judged(const Scene& scene, const HeaderFrom& header,
                   std::vector<std::string> recipient_texts = {"b@x.example"}) {
  std::vector<MailAddress> all;
  for (const auto& text : recipient_texts)
    all.push_back(address(text));
  const auto set = scene.rule_set();
  std::string names;
  for (const RuleInForce& applied : set->applicable_from(set->services().front(), scene.envelope, all, header)) {
    names += (names.empty() ? "" : " ") + set->rules()[applied.index].name;
    if (applied.mode == Mode::monitor) names += "(monitor)";
  }
  return names;
}

AuthFlow flow(const Scene& scene, const HeaderFrom& header) {
  auto set = scene.rule_set();
  const Service& service = set->services().front();
  Question question{&service, scene.evidence, scene.claims, scene.envelope};
  const MailAddress recipient = address("b@x.example");
  question.rules = set->applicable_from(service, scene.envelope, {&recipient, 1}, header);
  return {std::move(set), std::move(question), real_ports(), scene.limits};
}

} // namespace

TEST_CASE("from: the envelope never applies such a rule") {
  Scene scene;
  scene.rules = {from_rule("acme", "acme.example")};
  const auto set = scene.rule_set();
  CHECK(set->applicable(set->services().front(), scene.envelope).empty());
  const Run r = run(scene.flow(), {{helo_owner, {differing()}}}); // its domain is listed all the same
  CHECK(words(r.decision.outcome) == "fail mismatch tag");
  CHECK(r.decision.outcome.rule == nullptr);
}

TEST_CASE("from: which rules judge") {
  Scene scene;
  Rule subtree = from_rule("subtree", ".acme.example");
  Rule mailbox = from_rule("mailbox", "ceo@beta.example");
  Rule plain; // of the envelope
  plain.name = "plain";
  plain.senders = {senders("acme.example")};
  scene.rules = {plain, subtree, mailbox};

  struct Row {
    const char* label;
    HeaderFrom header;
    const char* judged;
  };

  const Row rows[]{
      {"the domain", from({"ceo@acme.example"}), "subtree"},
      {"below it", from({"ceo@mail.acme.example"}), "subtree"},
      {"another", from({"ceo@acme.example.net"}), ""},
      {"none at all", {}, ""},
      {"a mailbox, in any case", from({"CEO@beta.example"}), "mailbox"},
      {"another mailbox", from({"cfo@beta.example"}), ""},
      {"several, each by its own", from({"x@y.example", "ceo@beta.example", "ceo@acme.example"}), "subtree mailbox"},
      {"the same twice", from({"a@acme.example", "b@acme.example"}), "subtree"},
      {"unreadable, with the domain in it", unreadable("ceo at acme.example <"), "subtree"},
      {"unreadable, with a mailbox rule's domain in it", unreadable("<beta.example"), "mailbox"},
      {"unreadable, with both", unreadable("ceo@acme.example <ceo@beta.example"), "subtree mailbox"},
      {"unreadable, with a name below a ruled domain", unreadable("<x.y.acme.example"), "subtree"},
      {"unreadable, without", unreadable("ceo at gamma.example <"), ""},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK(judged(scene, row.header) == row.judged);
  }
  HeaderFrom endless;
  endless.hidden = Hidden::anything;
  CHECK(judged(scene, endless) == "subtree mailbox"); // whatever may hide behind the bound
}

TEST_CASE("from: the first enforced rule decides for an author and a recipient; exemptions come first") {
  Scene scene;
  Rule lists = from_rule("lists", "acme.example");
  lists.clients = {network("198.51.100.0/24")};
  Rule watched = from_rule("watched", "acme.example");
  watched.mode = Mode::monitor;
  const Rule acme = from_rule("acme", "acme.example");
  const Rule behind = from_rule("behind", "acme.example");
  scene.rules = {lists, watched, acme, behind};
  CHECK(judged(scene, from({"ceo@acme.example"})) == "watched(monitor) acme");
  scene.envelope.client = ip("198.51.100.7");
  CHECK(judged(scene, from({"ceo@acme.example"})) == "lists");

  Rule reachable = from_rule("reachable", "acme.example");
  reachable.recipients = {recipients("postmaster")};
  scene.rules = {reachable, acme};
  CHECK(judged(scene, from({"ceo@acme.example"}), {"postmaster@x.example"}) == "reachable");
  CHECK(judged(scene, from({"ceo@acme.example"}), {"b@x.example"}) == "acme");
  CHECK(judged(scene, from({"ceo@acme.example"}), {"postmaster@x.example", "b@x.example"}) == "reachable acme");
  CHECK(judged(scene, from({"ceo@acme.example"}), {}) == "acme");

  Rule elsewhere = from_rule("elsewhere", "acme.example");
  elsewhere.services = {"submission"};
  Rule login = from_rule("login", "acme.example");
  login.sasl = true;
  Rule sender = from_rule("sender", "acme.example");
  sender.senders = {senders("gamma.example")};
  scene.rules = {elsewhere, login, sender};
  CHECK(judged(scene, from({"ceo@acme.example"})).empty());
  scene.envelope.logged_in = true;
  CHECK(judged(scene, from({"ceo@acme.example"})) == "login");
}

TEST_CASE("from: a service in monitor mode monitors them all") {
  Scene scene;
  scene.service_mode = Mode::monitor;
  scene.rules = {from_rule("acme", "acme.example"), from_rule("too", "acme.example")};
  CHECK(judged(scene, from({"ceo@acme.example"})) == "acme(monitor) too(monitor)");
  const Run r = run(flow(scene, from({"ceo@acme.example"})), {{helo_owner, {differing()}}});
  CHECK(words(r.decision.outcome) == "fail mismatch tag");
  CHECK(r.decision.monitored.size() == 2);
}

TEST_CASE("from: of several rules the strictest action decides, the others are kept") {
  Scene scene;
  scene.set_sender("x@list.example");
  Rule held = from_rule("held", "acme.example");
  held.on_fail = Action::hold;
  Rule refused = from_rule("refused", "beta.example");
  Rule watched = from_rule("watched", "gamma.example");
  watched.mode = Mode::monitor;
  scene.rules = {held, refused, watched};
  const auto header = from({"a@acme.example", "b@beta.example", "c@gamma.example"});
  const Run r = run(flow(scene, header), {{helo_owner, {differing()}}});
  CHECK(words(r.decision.outcome) == "fail mismatch reject");
  CHECK(r.decision.outcome.rule->name == "refused");
  REQUIRE(r.decision.others.size() == 1);
  CHECK(r.decision.others[0].rule->name == "held");
  CHECK(words(r.decision.others[0]) == "fail mismatch hold");
  REQUIRE(r.decision.monitored.size() == 1);
  CHECK(r.decision.monitored[0].rule->name == "watched");
  CHECK(r.asked == std::vector<std::string>{helo_owner});

  const Run pass = run(flow(scene, header), {{helo_owner, {matching()}}});
  CHECK(words(pass.decision.outcome) == "pass match tag");
}

TEST_CASE("from: a refusal does not rest on a cached answer") {
  Scene scene;
  scene.rules = {from_rule("acme", "acme.example")};
  const Run r = run(flow(scene, from({"ceo@acme.example"})), {{helo_owner, {differing(), true, matching()}}});
  CHECK(words(r.decision.outcome) == "pass match tag");
  CHECK(r.re_asked == std::vector<std::string>{helo_owner});
}

TEST_CASE("a front end that knows why the evidence cannot be judged says so, and nothing is looked up") {
  Scene scene = acme_scene();
  auto set = scene.rule_set();
  Question question{&set->services().front(), scene.evidence, scene.claims, scene.envelope};
  question.problem = EvidenceProblem{Reason::no_evidence, "nobody told us"};
  AuthFlow asked(set, std::move(question), real_ports(), scene.limits);
  REQUIRE(asked.done());
  const Decision decision = asked.take();
  CHECK(words(decision.outcome) == "permerror no-evidence defer");
  CHECK(decision.outcome.detail == "nobody told us");
}

TEST_CASE("strictness: from what permits to what refuses for good") {
  const Action ordered[]{Action::permit, Action::tag, Action::hold, Action::defer, Action::reject};
  for (std::size_t i = 1; i < std::size(ordered); ++i)
    CHECK(strictness(ordered[i - 1]) < strictness(ordered[i]));
}
