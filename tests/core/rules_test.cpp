#include "daemon/core/rules.h"
#include "tests/core/two_services.h"
#include "tests/support/catch.h"

#include <memory>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

namespace {

Envelope envelope(const char* sender, const char* client = "192.0.2.1") {
  Envelope e;
  e.client = IpAddress::parse(client);
  e.sender = address(sender);
  return e;
}

/// Which of one rule's conditions hold: a rule set of that rule alone, asked on port 25's service.
bool holds(const Rule& rule, const Envelope& e) {
  const RuleSet set = rule_set({rule});
  return set.applicable(*set.service_named("smtp"), e).size() == 1;
}

} // namespace

TEST_CASE("services are found by name and by port") {
  const RuleSet set = rule_set({});
  REQUIRE(set.service_named("smtp") != nullptr);
  CHECK(set.service_named("smtp")->name == "smtp");
  CHECK(set.service_named("nonesuch") == nullptr);
  CHECK(set.service_named("") == nullptr);
  CHECK(set.service_on_port(25) == set.service_named("smtp"));
  CHECK(set.service_on_port(10025) == set.service_named("smtp"));
  CHECK(set.service_on_port(587) == set.service_named("submission"));
  CHECK(set.service_on_port(26) == nullptr);
  CHECK(set.service_on_port(0) == nullptr);
}

TEST_CASE("conditions: each one absent means any, all that are there must hold") {
  Rule acme = named("acme");
  acme.senders = {senders("acme.example"), senders(".beta.example"), senders("<>")};

  Rule to_sales = named("to-sales");
  to_sales.recipients = {recipients("sales@mx.example"), recipients("postmaster")};

  Rule from_net = named("from-net");
  from_net.clients = {network("192.0.2.0/24"), network("2001:db8::/32")};

  Rule logged_in = named("logged-in");
  logged_in.sasl = true;
  Rule not_logged_in = named("not-logged-in");
  not_logged_in.sasl = false;

  Rule both = named("both");
  both.senders = {senders("acme.example")};
  both.clients = {network("192.0.2.0/24")};

  Rule elsewhere = named("elsewhere");
  elsewhere.services = {"submission"};
  Rule here = named("here");
  here.services = {"submission", "smtp"};

  const auto to = [](const char* recipient) {
    Envelope e = envelope("ceo@acme.example");
    e.recipient = address(recipient);
    return e;
  };
  Envelope with_login = envelope("ceo@acme.example");
  with_login.logged_in = true;
  Envelope unknown_client = envelope("ceo@acme.example", "unknown");
  REQUIRE_FALSE(unknown_client.client.has_value());

  struct Case {
    const char* label;
    Rule rule;
    Envelope envelope;
    bool holds;
  };

  const std::vector<Case> cases{
      {"no conditions", named("any"), envelope("ceo@acme.example"), true},
      {"no conditions, nothing known", named("any"), Envelope{}, true},
      {"sender domain", acme, envelope("ceo@acme.example"), true},
      {"sender in bang form", acme, envelope("acme.example!ceo"), true},
      {"sender below a subtree", acme, envelope("ceo@x.beta.example"), true},
      {"null sender listed", acme, envelope(""), true},
      {"another sender", acme, envelope("ceo@gamma.example"), false},
      {"bare sender", acme, envelope("ceo"), false},
      {"recipient", to_sales, to("Sales@mx.example"), true},
      {"bare recipient pattern", to_sales, to("postmaster@mx.example"), true},
      {"bare recipient", to_sales, to("postmaster"), true},
      {"another recipient", to_sales, to("ceo@mx.example"), false},
      {"recipient not known at this stage", to_sales, envelope("ceo@acme.example"), false},
      {"client in the network", from_net, envelope("x@y.example", "192.0.2.200"), true},
      {"client, mapped", from_net, envelope("x@y.example", "::ffff:192.0.2.200"), true},
      {"client, IPv6", from_net, envelope("x@y.example", "IPv6:2001:db8::9"), true},
      {"client elsewhere", from_net, envelope("x@y.example", "198.51.100.1"), false},
      {"client unknown", from_net, unknown_client, false},
      {"logged in", logged_in, with_login, true},
      {"logged in, wanted not", not_logged_in, with_login, false},
      {"not logged in", not_logged_in, envelope("ceo@acme.example"), true},
      {"not logged in, wanted", logged_in, envelope("ceo@acme.example"), false},
      {"both hold", both, envelope("ceo@acme.example", "192.0.2.9"), true},
      {"only the sender holds", both, envelope("ceo@acme.example", "198.51.100.1"), false},
      {"only the client holds", both, envelope("ceo@beta.example", "192.0.2.9"), false},
      {"another service", elsewhere, envelope("ceo@acme.example"), false},
      {"this service among others", here, envelope("ceo@acme.example"), true},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK(holds(c.rule, c.envelope) == c.holds);
  }
}

TEST_CASE("the first enforced rule ends the scan, rules in monitor mode before it are kept") {
  Rule skipped = named("skipped");
  skipped.senders = {senders("beta.example")};
  Rule watched = named("watched");
  watched.mode = Mode::monitor;
  Rule decides = named("decides");
  Rule behind = named("behind");
  using Indexes = std::vector<std::size_t>;
  const auto indexes = [](const RuleSet& set, std::string_view service = "smtp") {
    Indexes found;
    for (const RuleInForce& rule : set.applicable(*set.service_named(service), envelope("ceo@acme.example")))
      found.push_back(rule.index);
    return found;
  };
  CHECK(indexes(rule_set({})) == Indexes{});
  CHECK(indexes(rule_set({skipped})) == Indexes{});
  CHECK(indexes(rule_set({decides, behind})) == Indexes{0});
  CHECK(indexes(rule_set({skipped, decides, behind})) == Indexes{1});
  CHECK(indexes(rule_set({watched, skipped, decides, watched})) == Indexes{0, 2});
  CHECK(indexes(rule_set({watched, watched})) == Indexes{0, 1});

  std::vector<Service> services = two_services();
  services[0].mode = Mode::monitor; // a service in monitor mode monitors every rule
  const RuleSet monitored{services, {decides, watched, skipped, behind}, {}, false};
  CHECK(indexes(monitored) == Indexes{0, 1, 3});
  CHECK(indexes(monitored, "submission") == Indexes{0});
}

TEST_CASE("who satisfies a rule") {
  Rule any = named("any");
  CHECK_FALSE(any.names_identities());
  CHECK(any.accepts(identity("mta1.acme.example"), address("ceo@acme.example")));
  CHECK(any.accepts(identity("alice@acme.example"), address("")));
  CHECK_FALSE(any.names_in_full(identity("mta1.acme.example")));

  Rule rule = named("acme");
  rule.identities = {identities("mta1.acme.example"), identities("*.out.acme.example"), identities("*.{sender.domain}"),
                     identities("{sender}")};
  auto files = std::make_shared<IdentitySet>();
  files->add(identity("branch7.acme.example"));
  files->add(identity("bob@acme.example"));
  rule.identity_files = files;
  CHECK(rule.names_identities());

  struct Case {
    const char* identity;
    const char* sender;
    bool accepted;
    bool in_full;
  };

  const std::vector<Case> cases{
      {"mta1.acme.example", "x@y.example", true, true},          {"mta2.out.acme.example", "x@y.example", true, false},
      {"out.acme.example", "x@y.example", false, false},         {"mta.beta.example", "ceo@beta.example", true, false},
      {"mta.beta.example", "ceo@acme.example", false, false},    {"mta.beta.example", "", false, false},
      {"alice@beta.example", "alice@beta.example", true, false}, // a field names nobody in full
      {"alice@beta.example", "bob@beta.example", false, false},  {"branch7.acme.example", "x@y.example", true, true},
      {"bob@acme.example", "x@y.example", true, true},           {"BOB@acme.example", "x@y.example", true, true},
      {"x.branch7.acme.example", "x@y.example", false, false},   {"evil.example", "x@y.example", false, false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.identity, c.sender);
    CHECK(rule.accepts(identity(c.identity), address(c.sender)) == c.accepted);
    CHECK(rule.names_in_full(identity(c.identity)) == c.in_full);
  }

  Rule only_files = named("files");
  only_files.identity_files = files;
  CHECK(only_files.names_identities());
  CHECK(only_files.accepts(identity("branch7.acme.example"), address("")));
  CHECK_FALSE(only_files.accepts(identity("mta1.acme.example"), address("")));

  Rule empty_files = named("empty");
  empty_files.identity_files = std::make_shared<IdentitySet>();
  CHECK(empty_files.names_identities()); // an empty file admits nobody, not everybody
  CHECK_FALSE(empty_files.accepts(identity("mta1.acme.example"), address("")));
}

TEST_CASE("which setting of a rule a reason takes") {
  Rule rule = named("acme");
  rule.on_pass = Action::permit;
  rule.on_fail = Action::reject;
  rule.on_none = Action::hold;
  rule.on_unpublished = Action::tag;
  rule.on_temperror = Action::defer;

  struct Case {
    Reason reason;
    Action action;
  };

  const std::vector<Case> cases{
      {Reason::match, Action::permit},        {Reason::bogus, Action::defer},
      {Reason::dns_timeout, Action::defer},   {Reason::dns_failure, Action::defer},
      {Reason::overload, Action::defer},      {Reason::weak_digest, Action::defer},
      {Reason::bad_evidence, Action::defer},  {Reason::no_evidence, Action::defer},
      {Reason::not_allowed, Action::reject},  {Reason::sender_not_allowed, Action::reject},
      {Reason::mismatch, Action::reject},     {Reason::unusable, Action::reject},
      {Reason::insecure, Action::tag},        {Reason::no_record, Action::tag},
      {Reason::not_listed, Action::hold},     {Reason::no_name, Action::hold},
      {Reason::no_certificate, Action::hold}, {Reason::no_tls, Action::hold},
  };
  CHECK(cases.size() == reason_table.size());
  for (const Case& c : cases) {
    CAPTURE(token(c.reason));
    CHECK(token(rule.action_for(c.reason)) == token(c.action));
  }
}

TEST_CASE("the defaults of a rule are those of the manual") {
  const Rule rule;
  CHECK(rule.on_pass == Action::tag);
  CHECK(rule.on_fail == Action::reject);
  CHECK(rule.on_none == Action::reject);
  CHECK(rule.on_unpublished == Action::defer);
  CHECK(rule.on_temperror == Action::defer);
  CHECK(rule.mode == Mode::enforce);
  CHECK(Service{}.default_action == Action::tag);
  CHECK(Service{}.mode == Mode::enforce);
  CHECK_FALSE(Service{}.keep_case);
}

TEST_CASE("words for actions and modes") {
  CHECK(token(Action::tag) == "tag");
  CHECK(token(Action::permit) == "permit");
  CHECK(token(Action::reject) == "reject");
  CHECK(token(Action::defer) == "defer");
  CHECK(token(Action::hold) == "hold");
  CHECK(token(Mode::enforce) == "enforce");
  CHECK(token(Mode::monitor) == "monitor");
  CHECK(is_refusal(Action::reject));
  CHECK(is_refusal(Action::defer));
  CHECK(is_refusal(Action::hold));
  CHECK_FALSE(is_refusal(Action::tag));
  CHECK_FALSE(is_refusal(Action::permit));
}
