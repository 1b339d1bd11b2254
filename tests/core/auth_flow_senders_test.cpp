// Who may send as whom: identities made of the sender, grants, the null sender, and keys that the roster knows.
#include "tests/core/acme_scene.h"
#include "tests/core/fake_roster.h"
#include "tests/support/catch.h"

#include <memory>

using namespace danegate::core;
using namespace danegate::test;

namespace {

constexpr const char* by_local = "{sender.local}._submission-client.{sender.domain}";
constexpr const char* by_hash = "{sender.hash}._submission-client.{sender.domain}";

/// A submission service: the sender's own name, then a login's, then a device's.
Scene submission(std::vector<std::string> patterns, std::vector<std::string> templates = {by_local}) {
  Rule rule;
  rule.name = "submission";
  rule.senders = {senders("acme.example"), senders("beta.example"), senders("<>")};
  for (const auto& p : patterns)
    rule.identities.push_back(identities(p));
  rule.on_pass = Action::permit;
  Scene scene;
  scene.templates = std::move(templates);
  scene.rules = {std::move(rule)};
  scene.claims.helo = "garbage";
  return scene;
}

std::shared_ptr<const Grants> grants(std::initializer_list<std::pair<const char*, const char*>> lines) {
  auto made = std::make_shared<Grants>();
  for (const auto& [who, sender] : lines)
    made->add(identity(who), senders(sender));
  return made;
}

/// Alice's key is published under her own name only; every other name has somebody else's.
std::string sends(Scene scene, const char* sender, const FakeRoster* roster = nullptr) {
  scene.set_sender(sender);
  auto set = scene.rule_set();
  AuthFlow flow(set, {&set->services().front(), scene.evidence, scene.claims, scene.envelope}, real_ports(),
                scene.limits, roster);
  while (!flow.done())
    for (const auto& need : flow.take_needs()) {
      const bool hers = need.name->text() == "alice._submission-client.acme.example" ||
                        need.name->text() == "alice.users.acme.example" ||
                        need.name->text() == "_submission-client.scanner.devices.acme.example" ||
                        need.name->text().starts_with("2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db");
      flow.answer(need.id, hers ? matching() : differing(), false);
    }
  const auto decision = flow.take();
  const auto who = authenticated_identity(decision, decision.outcome);
  return words(decision.outcome) + (who.empty() ? "" : " " + who);
}

} // namespace

TEST_CASE("submission: {sender} lets a key send as the address that publishes it, and as nobody else") {
  const auto scene = submission({"{sender}"});
  CHECK(sends(scene, "alice@acme.example") == "pass match permit alice@acme.example");
  CHECK(sends(scene, "Alice@Acme.Example") == "pass match permit Alice@acme.example");
  CHECK(sends(scene, "bob@acme.example") == "fail mismatch reject");
  CHECK(sends(scene, "alice@beta.example") == "fail mismatch reject");
  CHECK(sends(scene, "alice@gamma.example").starts_with("none no")); // the rule is not about that domain
  CHECK(sends(scene, "alice+tag@acme.example") == "none no-name reject");
  CHECK(sends(scene, "<>") == "none no-name reject");
}

TEST_CASE("submission: the hash of a local part folds ASCII case, takes any octets, and keeps quotes out") {
  // printf %s alice | sha256sum | cut -c1-56
  auto scene = submission({"{sender}"}, {by_hash});
  CHECK(sends(scene, "alice@acme.example") == "pass match permit alice@acme.example");
  CHECK(sends(scene, "ALICE@acme.example") == "pass match permit ALICE@acme.example");
  CHECK(sends(scene, "al ice@acme.example") == "fail mismatch reject"); // "al ice", unquoted by the mail server
  CHECK(sends(scene, "älice@acme.example") == "fail mismatch reject");
  CHECK(sends(scene, "<>") == "none no-name reject");
}

TEST_CASE("submission: a device below the sender's domain, and logins by name") {
  auto devices = submission({"*.{sender.domain}"}, {by_local, "_submission-client.{subject}"});
  devices.claims.subject = "scanner.devices.acme.example";
  CHECK(sends(devices, "alerts@acme.example") == "pass match permit scanner.devices.acme.example");
  CHECK(sends(devices, "alerts@beta.example") == "policy not-allowed reject scanner.devices.acme.example");
  CHECK(sends(devices, "<>") == "policy not-allowed reject scanner.devices.acme.example"); // {sender.domain} is empty

  auto logins = submission({"*.users.acme.example"}, {"{sasl}.users.acme.example"});
  logins.claims.sasl = "alice";
  CHECK(sends(logins, "anybody@acme.example") == "pass match permit alice.users.acme.example");
  logins.claims.sasl = "bob";
  CHECK(sends(logins, "anybody@acme.example") == "fail mismatch reject");
  logins.claims.sasl = "a.b";
  CHECK(sends(logins, "anybody@acme.example") == "none no-name reject");
}

TEST_CASE("submission: the null sender is for whoever satisfies the rule by another name") {
  auto scene = submission({"{sender}", "*.devices.acme.example"}, {by_local, "_submission-client.{subject}"});
  CHECK(sends(scene, "<>") == "none no-name reject");
  scene.claims.subject = "scanner.devices.acme.example";
  CHECK(sends(scene, "<>") == "pass match permit scanner.devices.acme.example");
  scene.rules[0].grants = grants({{"scanner.devices.acme.example", "alerts@acme.example"}});
  CHECK(sends(scene, "<>") == "pass match permit scanner.devices.acme.example");
}

TEST_CASE("submission: grants narrow who may send as whom") {
  auto scene = submission({"*.devices.acme.example"}, {"_submission-client.{subject}"});
  scene.claims.subject = "scanner.devices.acme.example";
  CHECK(sends(scene, "anybody@acme.example") == "pass match permit scanner.devices.acme.example");
  scene.rules[0].grants = grants({{"scanner.devices.acme.example", "alerts@acme.example"}});
  CHECK(sends(scene, "Alerts@acme.example") == "pass match permit scanner.devices.acme.example");
  CHECK(sends(scene, "boss@acme.example") == "policy sender-not-allowed reject scanner.devices.acme.example");
  scene.rules[0].grants = grants({{"printer.devices.acme.example", "boss@acme.example"}});
  CHECK(sends(scene, "boss@acme.example") == "policy sender-not-allowed reject scanner.devices.acme.example");
  // A line in the grants is no way around the rule's identities.
  scene.rules[0].identities = {identities("printer.devices.acme.example")};
  scene.rules[0].grants = grants({{"scanner.devices.acme.example", "acme.example"}});
  CHECK(sends(scene, "boss@acme.example") == "policy not-allowed reject scanner.devices.acme.example");
  // Where the rule names nobody, the line is what names them.
  scene.rules[0].identities = {};
  CHECK(sends(scene, "boss@acme.example") == "pass match permit scanner.devices.acme.example");
  CHECK(sends(scene, "boss@beta.example") == "policy sender-not-allowed reject scanner.devices.acme.example");
}

TEST_CASE("submission: a key that the roster knows sends as its own address, or as its grants say") {
  FakeRoster roster;
  roster.hold("alice._submission-client.acme.example", "alice@acme.example", matching());
  auto scene = submission({"alice@acme.example", "bob@acme.example"});
  CHECK(sends(scene, "alice@acme.example", &roster) == "pass match permit alice@acme.example");
  CHECK(sends(scene, "bob@acme.example", &roster) == "policy sender-not-allowed reject alice@acme.example");
  CHECK(sends(scene, "alice@beta.example", &roster) == "policy sender-not-allowed reject alice@acme.example");
  CHECK(sends(scene, "<>", &roster) == "pass match permit alice@acme.example");
  scene.rules[0].grants = grants({{"alice@acme.example", "sales@acme.example"}});
  CHECK(sends(scene, "sales@acme.example", &roster) == "pass match permit alice@acme.example");
  CHECK(sends(scene, "alice@acme.example", &roster) == "pass match permit alice@acme.example");
  CHECK(sends(scene, "bob@acme.example", &roster) == "policy sender-not-allowed reject alice@acme.example");
  // {sender} names nobody in full: who is not the sender is not searched for.
  CHECK(sends(submission({"{sender}"}), "bob@acme.example", &roster) == "fail mismatch reject");
}
