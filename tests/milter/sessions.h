// A Session over a join and a configuration of the test's making, and short ways to play the mail server.
#pragma once

#include "milter/session.h"
#include "tests/core/builders.h"
#include "tests/core/credentials.h"
#include "tests/core/real_ports.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

using namespace std::chrono_literals;
using MacroMap = std::map<std::string, std::string>;

inline milter::Macros macros(MacroMap values) {
  return [values = std::move(values)](const char* name) {
    const auto found = values.find(name);
    return found == values.end() ? std::string() : found->second;
  };
}

/// A mail server's side of one connection. Postfix's macros unless the test says otherwise.
struct Desk {
  Desk() { use({}); }

  void use(std::vector<Rule> rules) {
    Service service;
    service.name = "smtp";
    service.ports = {25};
    service.names = {owner_template("_smtp-client.{helo}")};
    Service other;
    other.name = "MTA"; // Sendmail's usual {daemon_name}
    other.names = service.names;
    auto made = std::make_shared<config::Config>();
    made->server.authserv_id = "mx.example.net";
    made->server.origin = dns_name("example.net");
    made->rules = std::make_shared<const RuleSet>(std::vector<Service>{service, other}, std::move(rules),
                                                  std::vector<DnsName>{}, false);
    config = made;
  }

  milter::Session session() {
    return milter::Session({.config = [this] { return config; },
                            .join = &join,
                            .to_ascii = real_ports().to_ascii,
                            .now = [this] { return now; }});
  }

  MacroMap connection{{"j", "mx.example.net"},         {"v", "Postfix 3.7.11"}, {"{daemon_name}", "mx.example.net"},
                      {"{daemon_addr}", "192.0.2.25"}, {"{daemon_port}", "25"}, {"{client_resolve}", "OK"}};
  MacroMap tls{{"{tls_version}", "TLSv1.3"}, {"{cipher}", "TLS_AES_256_GCM_SHA384"}};
  milter::Peer peer{"mta1.acme.example", ip("192.0.2.1"), 4711};
  service::SessionKey key = service::SessionKey::parse({"192.0.2.1", "4711", "192.0.2.25", "25"}).value();
  service::EvidenceJoin join;
  service::EvidenceJoin::Time now{std::chrono::hours{1000}};
  std::shared_ptr<const config::Config> config;

  /// What Postfix tells its policy service about this session.
  void policy_asked(std::string queue = {}, std::string tls_version = "TLSv1.3") {
    service::SessionEvidence told{tls_version.empty() ? Evidence{} : both_digests(), {}, "smtp", std::move(queue)};
    told.evidence.tls_version = std::move(tls_version);
    told.claims.helo = "mta1.acme.example";
    join.note(key, std::move(told), now);
  }

  /// Connect and EHLO over TLS.
  void greet(milter::Session& s, const char* helo = "mta1.acme.example") {
    s.connect(peer, macros(connection));
    s.helo(helo, macros(tls));
  }

  void mail(milter::Session& s, const char* from = "<ceo@acme.example>") { s.mail(from, macros(tls)); }
};

/// A verdict as some judge may have given it.
inline Decision decided(const config::ConfigPtr& config, Reason reason, Action action, const Rule* rule = nullptr) {
  Decision decision;
  decision.rules = config->rules;
  decision.service = &config->rules->services().front();
  decision.outcome.reason = reason;
  decision.outcome.action = action;
  decision.outcome.rule = rule;
  return decision;
}

} // namespace danegate::test
