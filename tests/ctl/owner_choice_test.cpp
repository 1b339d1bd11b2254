// Which owner names a name on the command line stands for.
#include "daemon/ctl/owner_choice.h"

#include "tests/config/config_files.h"
#include "tests/core/real_ports.h"

namespace danegate::ctl {

namespace {

config::ConfigPtr services() {
  return config::load_text(
      "[[service]]\nname = \"smtp\"\nnames = [\"_smtp-client.{helo}\", \"_smtp-client.{subject}\"]\n"
      "[[service]]\nname = \"relay\"\nnames = [\"_relay.{helo}\", \"_smtp-client.{helo}\"]\n"
      "[[service]]\nname = \"submission\"\nnames = "
      "[\"{sender.hash}._submission-client.{sender.domain}\"]\n");
}

std::string owners(std::string_view text, std::string_view service = {}) {
  const auto config = services();
  const auto chosen = choose_services(config->rules->services(), service);
  if (!chosen) return chosen.error();
  const auto names = names_to_try(text, *chosen, test::real_ports());
  if (!names) return names.error();
  std::string found;
  for (const auto& each : *names)
    found += (found.empty() ? "" : " ") + each.name.owner.text() + '=' + each.name.identity.text() + '/' +
             std::to_string(each.from.size());
  return found;
}

std::string published(std::string_view text, std::string_view label = {}) {
  const auto config = services();
  const auto owner = owner_to_publish(text, label, config->rules->services(), test::real_ports());
  return owner ? owner->owner.text() + '=' + owner->identity.text() : owner.error();
}

// SHA-256 of "alice", 28 octets of it.
const std::string alice = "2bd806c97f0e00af1a1fc3328fa763a9269723c8db8fac4f93af71db";

} // namespace

TEST_CASE("Names to try", "[ctl]") {
  struct Case {
    const char* label;
    std::string text;
    std::string service;
    std::string expected;
  };

  const std::vector<Case> cases{
      {"a host name: what every template makes of it, once", "MTA1.acme.example.", "",
       "_smtp-client.mta1.acme.example=mta1.acme.example/3 _relay.mta1.acme.example=mta1.acme.example/1"},
      {"of one service", "mta1.acme.example", "relay",
       "_relay.mta1.acme.example=mta1.acme.example/1 _smtp-client.mta1.acme.example=mta1.acme.example/1"},
      {"an owner name", "_other.mta1.acme.example", "", "_other.mta1.acme.example=mta1.acme.example/1"},
      {"an owner name with a label inside", "x._device.acme.example", "smtp",
       "x._device.acme.example=x._device.acme.example/1 _smtp-client.x._device.acme.example=x._device.acme.example/2"},
      {"an address", "alice@acme.example", "", alice + "._submission-client.acme.example=alice@acme.example/1"},
      {"beyond ASCII", "mta1.bücher.example", "relay",
       "_relay.mta1.xn--bcher-kva.example=mta1.xn--bcher-kva.example/1 "
       "_smtp-client.mta1.xn--bcher-kva.example=mta1.xn--bcher-kva.example/1"},
  };
  for (const auto& each : cases) {
    INFO(each.label);
    CHECK(owners(each.text, each.service) == each.expected);
  }
}

TEST_CASE("Names that none can be made of", "[ctl]") {
  struct Case {
    std::string text;
    std::string service;
    std::string part;
  };

  for (const auto& [text, service, part] :
       {Case{"localhost", "", "_smtp-client.{helo} of service smtp makes no name of it (a single label)"},
        {"", "", "\"\": "},
        {"_smtp-client", "", "a label alone"},
        {"a b.example", "", "expected an owner name (_smtp-client.mta1.acme.example), a host name"},
        {"mta1.acme.example", "submission", "of service submission makes no name of it"},
        {"mta1.acme.example", "imap", "there is no service \"imap\"; there are: smtp, relay, submission"}}) {
    INFO(text << " " << service);
    CHECK(owners(text, service).contains(part));
  }
}

TEST_CASE("Where records are published", "[ctl]") {
  struct Case {
    const char* label;
    std::string text;
    std::string label_option;
    std::string expected;
  };

  const std::vector<Case> cases{
      {"the first service decides", "mta1.acme.example", "", "_smtp-client.mta1.acme.example=mta1.acme.example"},
      {"an address: the first that can", "alice@acme.example", "",
       alice + "._submission-client.acme.example=alice@acme.example"},
      {"a label", "mta1.acme.example", "_Relay", "_relay.mta1.acme.example=mta1.acme.example"},
      {"an owner name", "_x.mta1.acme.example", "", "_x.mta1.acme.example=mta1.acme.example"},
  };
  for (const auto& each : cases) {
    INFO(each.label);
    CHECK(published(each.text, each.label_option) == each.expected);
  }
  for (const auto& label : {"smtp-client", "_a._b", "_a.", "_", "_a b"}) {
    INFO(label);
    CHECK(published("mta1.acme.example", label).starts_with("--label: expected one label"));
  }
  CHECK(published("_x.mta1.acme.example", "_y").contains("an owner name already"));
  CHECK(published("alice@acme.example", "_y").contains("--label goes before a host name"));
  CHECK(published(std::string(60, 'a') + '.' + std::string(60, 'b') + '.' + std::string(60, 'c') + '.' +
                      std::string(60, 'd') + ".example",
                  "_y")
            .contains("longer than 253"));
}

} // namespace danegate::ctl
