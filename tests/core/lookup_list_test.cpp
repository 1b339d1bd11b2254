// The list comes before DNS: which names a service may look up at all, and under which entry they are counted.
#include "daemon/core/rules.h"
#include "tests/core/two_services.h"
#include "tests/support/catch.h"

#include <memory>
#include <set>
#include <vector>

using namespace danegate::core;
using namespace danegate::test;

namespace {

OwnerName owner(std::string_view identity_text, std::string_view label = "_smtp-client") {
  const Identity id = identity(identity_text);
  return {dns_name(std::string(label) + "." + id.domain.text()), id};
}

/// The owner that `{sender.hash}._submission-client.{sender.domain}` makes; what the hash says does not matter here.
OwnerName mailbox_owner(std::string_view address_text) {
  const Identity id = identity(address_text);
  return {dns_name("0a1b2c._submission-client." + id.domain.text()), id};
}

} // namespace

TEST_CASE("the lookup list: what each kind of entry lists") {
  struct Case {
    const char* label;
    Rule rule;
    OwnerName name;
    bool listed;
  };

  const auto of_senders = [](const char* pattern) {
    Rule r = named("r");
    r.senders = {senders(pattern)};
    return r;
  };
  const auto of_identities = [](const char* pattern) {
    Rule r = named("r");
    r.identities = {identities(pattern)};
    return r;
  };
  Rule files = named("r");
  auto set = std::make_shared<IdentitySet>();
  set->add(identity("branch7.acme.example"));
  set->add(identity("alice@acme.example"));
  files.identity_files = set;
  Rule only_recipients = named("r");
  only_recipients.recipients = {recipients("acme.example"), recipients("postmaster")};
  Rule watched = of_senders("acme.example");
  watched.mode = Mode::monitor;
  Rule fields = named("r");
  fields.senders = {senders("<>")};
  fields.identities = {identities("{sender}"), identities("{sender.domain}"), identities("*.{sender.domain}")};

  const std::vector<Case> cases{
      {"no conditions list nothing", named("r"), owner("mta1.acme.example"), false},
      {"sender domain, itself", of_senders("acme.example"), owner("acme.example"), true},
      {"sender domain, below", of_senders("acme.example"), owner("mta1.acme.example"), true},
      {"sender domain, far below", of_senders("acme.example"), owner("a.b.c.acme.example"), true},
      {"sender domain, a mailbox of it", of_senders("acme.example"), mailbox_owner("bob@acme.example"), true},
      {"sender domain, not above", of_senders("mail.acme.example"), owner("acme.example"), false},
      {"sender domain, not a text suffix", of_senders("acme.example"), owner("evilacme.example"), false},
      {"sender domain, not another", of_senders("acme.example"), owner("mta1.beta.example"), false},
      {"sender subtree, itself", of_senders(".acme.example"), owner("acme.example"), true},
      {"sender subtree, below", of_senders(".acme.example"), owner("mta1.acme.example"), true},
      {"null sender lists nothing", of_senders("<>"), owner("mta1.acme.example"), false},
      {"identity", of_identities("mta1.acme.example"), owner("mta1.acme.example"), true},
      {"identity, not its sibling", of_identities("mta1.acme.example"), owner("mta2.acme.example"), false},
      {"identity, not above", of_identities("mta1.acme.example"), owner("acme.example"), false},
      {"identity, not a text suffix", of_identities("acme.example"), owner("evilacme.example"), false},
      {"*.d, one label", of_identities("*.out.acme.example"), owner("mta1.out.acme.example"), true},
      {"*.d, two labels", of_identities("*.out.acme.example"), owner("a.b.out.acme.example"), true},
      {"*.d, not d", of_identities("*.out.acme.example"), owner("out.acme.example"), false},
      {"*.d, not beside", of_identities("*.out.acme.example"), owner("mta1.in.acme.example"), false},
      {"address", of_identities("alice@acme.example"), mailbox_owner("alice@acme.example"), true},
      {"address, case", of_identities("Alice@acme.example"), mailbox_owner("aLICE@acme.example"), true},
      {"address, not another", of_identities("alice@acme.example"), mailbox_owner("bob@acme.example"), false},
      {"address, not a host of its domain", of_identities("alice@acme.example"), owner("mta1.acme.example"), false},
      {"files, host", files, owner("branch7.acme.example"), true},
      {"files, another host", files, owner("branch8.acme.example"), false},
      {"files, address", files, mailbox_owner("Alice@acme.example"), true},
      {"files, another address", files, mailbox_owner("bob@acme.example"), false},
      {"recipients list nothing", only_recipients, owner("mta1.acme.example"), false},
      {"a rule in monitor mode lists, or it would have nothing to say", watched, owner("mta1.acme.example"), true},
      {"patterns with a field list nothing", fields, owner("mta1.acme.example"), false},
      {"patterns with a field list no mailbox", fields, mailbox_owner("alice@acme.example"), false},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const RuleSet rules = rule_set({c.rule});
    CHECK(rules.admits(*rules.service_named("smtp"), c.name).has_value() == c.listed);
  }
}

TEST_CASE("the lookup list is one per service: a partner of port 25 is nobody on port 587") {
  Rule partner = named("partner");
  partner.services = {"smtp"};
  partner.senders = {senders("acme.example")};
  partner.identities = {identities("mta1.gamma.example")};
  Rule staff = named("staff");
  staff.services = {"submission"};
  staff.identities = {identities("alice@beta.example")};
  auto files = std::make_shared<IdentitySet>();
  files->add(identity("bob@beta.example"));
  staff.identity_files = files;
  const RuleSet set = rule_set({partner, staff});
  const Service& smtp = *set.service_named("smtp");
  const Service& submission = *set.service_named("submission");
  for (const OwnerName& name : {owner("mta1.acme.example"), owner("mta1.gamma.example")}) {
    CAPTURE(name.owner.text());
    CHECK(set.admits(smtp, name).has_value());
    CHECK_FALSE(set.admits(submission, name).has_value());
  }
  for (const OwnerName& name : {mailbox_owner("alice@beta.example"), mailbox_owner("bob@beta.example")}) {
    CAPTURE(name.owner.text());
    CHECK_FALSE(set.admits(smtp, name).has_value());
    CHECK(set.admits(submission, name).has_value());
  }
}

TEST_CASE("a rule of no particular service lists for all of them") {
  Rule everywhere = named("everywhere");
  everywhere.senders = {senders("acme.example")};
  const RuleSet set = rule_set({everywhere});
  CHECK(set.admits(*set.service_named("smtp"), owner("mta1.acme.example")).has_value());
  CHECK(set.admits(*set.service_named("submission"), owner("mta1.acme.example")).has_value());
}

TEST_CASE("lookup.domains lists at or below, for every service") {
  const RuleSet set{two_services(), {}, {dns_name("branch.example"), dns_name("acme.example")}, false};
  for (const Service& s : set.services()) {
    CAPTURE(s.name);
    CHECK(set.admits(s, owner("branch.example")).has_value());
    CHECK(set.admits(s, owner("mta1.branch.example")).has_value());
    CHECK(set.admits(s, owner("mta1.acme.example")).has_value());
    CHECK_FALSE(set.admits(s, owner("evilbranch.example")).has_value());
    CHECK_FALSE(set.admits(s, owner("mta1.gamma.example")).has_value());
  }
}

TEST_CASE("open to all lists every name; nothing else does") {
  const RuleSet open{two_services(), {}, {}, true};
  const RuleSet closed{two_services(), {}, {}, false};
  for (const char* text : {"mta1.acme.example", "x.example", "alice@beta.example"}) {
    CAPTURE(text);
    CHECK(open.admits(*open.service_named("smtp"), owner(text)).has_value());
    CHECK_FALSE(closed.admits(*closed.service_named("smtp"), owner(text)).has_value());
  }
}

TEST_CASE("limits per entry keep partners apart from each other and from strangers") {
  Rule acme = named("acme");
  acme.senders = {senders("acme.example")};
  Rule beta = named("beta");
  beta.senders = {senders("beta.example")};
  beta.identities = {identities("mta1.gamma.example"), identities("*.delta.example")};
  const RuleSet set{two_services(), {acme, beta}, {dns_name("branch.example")}, true};
  const auto entry = [&set](const OwnerName& name) {
    const auto admitted = set.admits(*set.service_named("smtp"), name);
    REQUIRE(admitted.has_value());
    return *admitted;
  };
  CHECK(entry(owner("mta1.acme.example")) == entry(owner("mta2.acme.example")));
  CHECK(entry(owner("mta1.delta.example")) == entry(owner("mta2.delta.example")));
  CHECK(entry(owner("stranger.example")) == entry(owner("mta.stranger2.example")));
  const std::set<ListEntry> different{entry(owner("mta1.acme.example")),   entry(owner("mta1.beta.example")),
                                      entry(owner("mta1.gamma.example")),  entry(owner("mta1.delta.example")),
                                      entry(owner("mta1.branch.example")), entry(owner("stranger.example"))};
  CHECK(different.size() == 6);
}
