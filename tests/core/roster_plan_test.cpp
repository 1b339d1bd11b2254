// Which owner names a roster is about, and which rules and services each counts for.
#include "tests/core/roster_scene.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace danegate::core;
using namespace danegate::test;

namespace {

using Names = std::vector<std::string>;

RuleSet rules_of(std::vector<Service> services, std::vector<Rule> rules) {
  return {std::move(services), std::move(rules), {}, false};
}

std::vector<std::uint32_t> groups_of(const RosterPlan& plan, std::string_view owner) {
  const auto groups = plan.groups_of(plan.find(dns_name(owner)).value());
  return {groups.begin(), groups.end()};
}

} // namespace

TEST_CASE("plan: a template makes a name of an identity, or none") {
  struct Case {
    const char* name_template;
    const char* identity;
    const char* owner; ///< empty: none
  };

  for (const Case& c : {
           Case{"_smtp-client.{helo}", "mta1.acme.example", "_smtp-client.mta1.acme.example"},
           Case{"_smtp-client.{subject}", "mta1.acme.example", "_smtp-client.mta1.acme.example"},
           Case{"_smtp-client.{client}", "mta1.acme.example", "_smtp-client.mta1.acme.example"},
           Case{"{helo}", "mta1.acme.example", "mta1.acme.example"},
           Case{"_smtp-client.{helo}", "alice@acme.example", ""},
           Case{"_smtp-client.{helo}", "localhost", ""},
           Case{"_smtp-client.{helo}", "_25._tcp.mx.acme.example", ""},
           Case{"_smtp-client.{helo}.clients.example.net", "mta1.acme.example.clients.example.net",
                "_smtp-client.mta1.acme.example.clients.example.net"},
           Case{"_smtp-client.{helo}.clients.example.net", "mta1.acme.example", ""},
           Case{"_smtp-client.{helo}.clients.example.net", "clients.example.net", ""},
           Case{"_smtp-client.edge.{helo}", "edge.mta1.acme.example", "_smtp-client.edge.mta1.acme.example"},
           Case{"_smtp-client.edge.{helo}", "mta1.acme.example", ""},
           Case{"{helo}", "sensor7._device.acme.example", "sensor7._device.acme.example"},
           Case{"_smtp-client.{helo}.{client}", "mta1.acme.example", ""},
           Case{"_smtp-client.{sasl}.acme.example", "alice.acme.example", ""},
           Case{"_submission-client.{sender.domain}", "acme.example", ""},
           Case{"{sender.local}._submission-client.{sender.domain}", "alice@acme.example",
                "alice._submission-client.acme.example"},
           Case{"{sender.local}._submission-client.{sender.domain}", "alice.b@acme.example", ""},
           Case{"{sender.hash}._submission-client.{sender.domain}", "hugh@acme.example",
                "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._submission-client.acme.example"},
           Case{"{sender.hash}._submission-client.{sender.domain}", "Hugh@acme.example",
                "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6._submission-client.acme.example"},
           Case{"{sender.hash}._submission-client.{sender.domain}", "acme.example", ""},
       }) {
    INFO(c.name_template << " of " << c.identity);
    const auto name = owner_template(c.name_template).name_for(identity(c.identity), false, real_ports());
    CHECK((name ? name->owner.text() : std::string()) == c.owner);
    if (name) CHECK(name->identity == identity(c.identity));
  }
}

TEST_CASE("plan: exact identities and prefetched files, each name once, under all their rules and services") {
  const std::vector<Service> services{
      service_with("smtp", {"_smtp-client.{helo}", "_smtp-client.{subject}", "_smtp-client.{client}"}),
      service_with("submission",
                   {"_submission-client.{subject}", "{sender.local}._submission-client.{sender.domain}"})};
  auto everywhere = naming("everywhere", {"mta1.acme.example", "*.out.acme.example", "{sender}", "alice@acme.example"});
  auto port_25 = in_file("port-25", {"mta1.acme.example", "mta2.acme.example"});
  port_25.services = {"smtp"};
  const auto on_claim = in_file("on-claim", {"mta3.acme.example"}, false);
  const auto rules = rules_of(services, {everywhere, port_25, on_claim});
  const auto plan = plan_of(rules);
  CHECK(names_of(*plan) == Names{"_smtp-client.mta1.acme.example", "_smtp-client.mta2.acme.example",
                                 "_submission-client.mta1.acme.example", "alice._submission-client.acme.example"});
  CHECK(plan->names() == 4);
  CHECK(plan->groups() == 6);
  CHECK(groups_of(*plan, "_smtp-client.mta1.acme.example") == std::vector<std::uint32_t>{0, 2});
  CHECK(groups_of(*plan, "_smtp-client.mta2.acme.example") == std::vector<std::uint32_t>{2});
  CHECK(groups_of(*plan, "_submission-client.mta1.acme.example") == std::vector<std::uint32_t>{1});
  CHECK(groups_of(*plan, "alice._submission-client.acme.example") == std::vector<std::uint32_t>{1});
  CHECK_FALSE(plan->find(dns_name("_smtp-client.mta3.acme.example")));
}

TEST_CASE("plan: the next one keeps the numbers of the names that stay, and fills the gaps") {
  const std::vector<Service> services{service_with("smtp", {"_smtp-client.{helo}"})};
  const auto first = plan_of(rules_of(services, {in_file("f", {"a.x.example", "b.x.example", "c.x.example"})}));
  const auto second =
      plan_of(rules_of(services, {in_file("f", {"d.x.example", "c.x.example", "a.x.example", "e.x.example"})}), first);
  CHECK(second->based_on(first));
  CHECK_FALSE(second->based_on(nullptr));
  CHECK(first->based_on(nullptr));
  CHECK_FALSE(first->based_on(second));
  const auto number = [](const auto& plan, const char* name) {
    return plan->find(dns_name(std::string("_smtp-client.") + name)).value();
  };
  CHECK(number(first, "a.x.example") == number(second, "a.x.example"));
  CHECK(number(first, "c.x.example") == number(second, "c.x.example"));
  CHECK(second->numbers() == 4);
  CHECK(second->names() == 4);
  CHECK(second->dropped() == std::vector<RosterPlan::Number>{number(first, "b.x.example")});
  CHECK(second->added().size() == 2);
  const auto third = plan_of(rules_of(services, {naming("r", {"c.x.example"})}), second);
  CHECK(third->names() == 1);
  CHECK(number(third, "c.x.example") == number(first, "c.x.example"));
  CHECK(third->dropped().size() == 3);
  CHECK(third->added().empty());
}

TEST_CASE("plan: thousands of names are found again, each by its own text") {
  auto set = std::make_shared<IdentitySet>();
  for (int i = 0; i < 20000; ++i)
    CHECK(set->add(identity("mta" + std::to_string(i) + ".customer" + std::to_string(i % 977) + ".example")));
  CHECK(set->size() == 20000);
  CHECK(set->contains(identity("mta19999.customer459.example")));
  CHECK_FALSE(set->contains(identity("mta19999.customer460.example")));
  Rule rule;
  rule.identity_files = set;
  rule.prefetch = true;
  const auto plan = plan_of(rules_of({service_with("smtp", {"_smtp-client.{helo}"})}, {rule}));
  CHECK(plan->names() == 20000);
  for (RosterPlan::Number n = 0; n < plan->numbers(); n += 97) {
    const auto found = plan->find(plan->name_of(n).owner);
    CHECK((found && *found == n));
  }
}

TEST_CASE("identity set: one mailbox is one, as written first; what is too long is refused") {
  IdentitySet set;
  CHECK_FALSE(set.contains(identity("alice@acme.example")));
  CHECK(set.add(identity("Alice@acme.example")));
  CHECK(set.add(identity("alice@ACME.example")));
  CHECK(set.size() == 1);
  CHECK(set.contains(identity("aLICE@acme.example")));
  CHECK(set.text(set.first()) == "Alice@acme.example");
  CHECK_FALSE(set.add({std::string(IdentitySet::max_text, 'x'), dns_name("acme.example")}));
  CHECK(set.size() == 1);
}
