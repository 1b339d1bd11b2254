// Decisions made by hand, for tests of what is printed about them.
#pragma once

#include "policy/explanation.h"
#include "tests/config/config_files.h"

#include <utility>

namespace danegate::policy {

inline core::AnswerPtr answer(core::TlsaOutcome outcome, int ttl) {
  return std::make_shared<const core::TlsaAnswer>(core::TlsaAnswer{std::move(outcome), std::chrono::seconds(ttl)});
}

inline core::DnsName name(std::string_view text) {
  return *core::DnsName::parse(text);
}

inline core::TlsaRecord record(std::uint8_t usage, std::uint8_t selector, std::uint8_t matching, std::size_t octets) {
  return {usage, selector, matching, core::Bytes(octets, 0xab)};
}

/// The rules that the decisions below point into: "watch" monitors, "acme" decides.
inline std::shared_ptr<const core::RuleSet> rules() {
  return config::load_text("[[rule]]\nname = \"watch\"\nsenders = [\"acme.example\"]\nmode = \"monitor\"\n"
                           "[[rule]]\nname = \"acme\"\nsenders = [\"acme.example\"]\n")
      ->rules;
}

/// Three templates: one name with an answer of two records, one that is not listed, one without a name.
inline core::Decision decision() {
  core::Decision made;
  made.rules = rules();
  made.service = made.rules->services().data();
  core::NameTrace helo;
  helo.from = made.service->names[0].text();
  helo.name = core::OwnerName{name("_smtp-client.mta1.acme.example"), {{}, name("mta1.acme.example")}};
  helo.listed = true;
  helo.answer =
      answer(core::Secure{{record(1, 0, 1, 32), record(3, 1, 1, 32)}, 1, core::Wildcard::below_underscore}, 300);
  helo.match = core::MatchOutcome{
      core::MatchVerdict::match,
      1,
      {},
      {{core::RecordVerdict::unusable, "wants the certificate"}, {core::RecordVerdict::matches, {}}}};
  helo.cached = true;
  core::NameTrace subject;
  subject.from = made.service->names[1].text();
  subject.no_name = "empty or unknown";
  core::NameTrace client;
  client.from = made.service->names[2].text();
  client.name = core::OwnerName{name("_smtp-client.host.example"), {{}, name("host.example")}};
  made.names = {helo, subject, client};
  made.outcome.rule = &made.rules->rules()[1];
  made.outcome.reason = core::Reason::match;
  made.outcome.action = core::Action::tag;
  made.outcome.name = 0;
  made.outcome.record = 1;
  core::Outcome watched;
  watched.rule = &made.rules->rules()[0];
  watched.mode = core::Mode::monitor;
  watched.reason = core::Reason::not_allowed;
  watched.action = core::Action::reject;
  watched.name = 0;
  made.monitored = {watched};
  return made;
}

/// The first name's answer and match replaced.
inline core::Decision decision_with(core::AnswerPtr replaced, std::optional<core::MatchOutcome> match,
                                    core::Reason reason) {
  auto made = decision();
  made.monitored.clear();
  made.names.resize(1);
  made.names[0].answer = std::move(replaced);
  made.names[0].match = std::move(match);
  made.names[0].cached = false;
  made.outcome.reason = reason;
  made.outcome.action = core::Action::defer;
  made.outcome.record.reset();
  return made;
}

inline Explanation explanation(core::Decision made) {
  Explanation explained;
  explained.state = "RCPT";
  explained.client = "192.0.2.1";
  explained.helo = "mta1.acme.example";
  explained.sender = "ceo@acme.example";
  explained.recipient = "b@example.net";
  explained.service = "smtp";
  explained.evidence.tls = true;
  explained.evidence.certificate_digest = *core::Digest::parse(std::string(64, 'a'));
  explained.evidence.key_digest = *core::Digest::parse(std::string(64, 'b'));
  explained.decision = std::move(made);
  explained.reply = "DUNNO";
  return explained;
}

} // namespace danegate::policy
