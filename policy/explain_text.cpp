#include "daemon/core/digest.h"
#include "daemon/core/overloaded.h"
#include "daemon/service/printable.h"
#include "policy/explanation.h"

#include <fmt/format.h>

#include <array>
#include <utility>

namespace danegate::policy {

namespace {

using service::printable;

/// "line: text\n", in columns.
void add(std::string& out, std::string_view label, std::string_view text) {
  out += fmt::format("{:<12}{}\n", fmt::format("{}:", label), text);
}

std::string request_line(const Explanation& explanation) {
  std::string line = explanation.state.empty() ? "no protocol_state" : explanation.state;
  const std::array<std::pair<std::string_view, std::string_view>, 4> parts{{{"client", explanation.client},
                                                                            {"helo", explanation.helo},
                                                                            {"sender", explanation.sender},
                                                                            {"recipient", explanation.recipient}}};
  for (const auto& [name, value] : parts)
    line += fmt::format(", {} {}", name, value.empty() ? "<>" : value);
  return printable(line);
}

std::string digest_text(const core::Digest& digest) {
  return fmt::format("{} {}", core::name_of(digest.algorithm()), core::to_hex(digest.bytes()));
}

std::string credential_line(const core::Evidence& evidence) {
  if (!evidence.tls) return "no TLS";
  if (!evidence.defect.empty()) return printable("unreadable: " + evidence.defect);
  if (!evidence.complete) return "the mail server did not say what the client presented";
  if (!evidence.has_credential()) return "none";
  std::string line = evidence.is_raw_key() ? "raw public key" : "certificate";
  if (evidence.certificate_digest) line += ' ' + digest_text(*evidence.certificate_digest);
  if (evidence.key_digest) line += (evidence.is_raw_key() ? " " : ", public key ") + digest_text(*evidence.key_digest);
  if (evidence.certificate) line += ", at hand";
  if (!evidence.is_raw_key()) line += evidence.chain_trusted ? ", chain trusted" : ", chain not trusted";
  return printable(line);
}

std::string_view wildcard_text(core::Wildcard wildcard) noexcept {
  switch (wildcard) {
  case core::Wildcard::none: return "";
  case core::Wildcard::below_underscore: return ", by a wildcard below an underscore label";
  case core::Wildcard::other: return ", by a wildcard that does not stand below an underscore label";
  }
  return "";
}

std::string_view verdict_text(const core::RecordJudgement& judgement) noexcept {
  switch (judgement.verdict) {
  case core::RecordVerdict::matches: return "matches";
  case core::RecordVerdict::differs: return "differs";
  case core::RecordVerdict::unusable: return "unusable";
  }
  return "unusable";
}

std::string record_lines(const core::Secure& secure, const std::optional<core::MatchOutcome>& match) {
  std::string lines;
  for (std::size_t i = 0; i < secure.records.size(); ++i) {
    const auto& record = secure.records[i];
    lines += fmt::format("      {} {} {} {}", record.usage, record.selector, record.matching,
                         core::to_hex(record.data).substr(0, 64));
    if (record.data.size() > 32) lines += "...";
    if (match && i < match->records.size()) {
      const auto& judgement = match->records[i];
      lines += fmt::format("  {}{}{}", verdict_text(judgement), judgement.why.empty() ? "" : ": ", judgement.why);
    } else {
      lines += "  not judged";
    }
    lines += '\n';
  }
  return lines;
}

std::string answer_lines(const core::NameTrace& trace) {
  const auto& answer = *trace.answer;
  std::string line = fmt::format("      {}", core::state_of(answer));
  if (core::is_definite(answer)) line += fmt::format(", ttl {}", answer.ttl.count());
  std::string records;
  std::visit(core::Overloaded{
                 [&](const core::Secure& secure) {
                   line += fmt::format(", {} record{}", secure.records.size(), secure.records.size() == 1 ? "" : "s");
                   if (secure.malformed > 0) line += fmt::format(", {} malformed", secure.malformed);
                   line += wildcard_text(secure.wildcard);
                   records = record_lines(secure, trace.match);
                 },
                 [&](const core::Bogus& bogus) { line += ": " + bogus.why; },
                 [&](const core::Failed& failed) { line += ": " + failed.why; },
                 [](const core::Absent&) {},
                 [](const core::Insecure&) {},
             },
             answer.outcome);
  if (trace.cached) line += ", cached";
  if (trace.grace) line += ", expired: served by dns.grace";
  if (trace.requeried) line += ", asked again";
  return printable(line) + '\n' + records;
}

std::string name_lines(const core::NameTrace& trace) {
  if (!trace.name) return fmt::format("  {}\n      no name: {}\n", printable(trace.from), trace.no_name);
  auto lines = fmt::format("  {} = {}, identity {}\n", printable(trace.from), trace.name->owner.text(),
                           printable(trace.name->identity.text()));
  if (trace.duplicate) return lines + "      the same name as above\n";
  if (!trace.listed) return lines + "      not on the lookup list\n";
  if (!trace.answer) return lines + "      not looked up\n";
  return lines + answer_lines(trace);
}

std::string who(const core::Outcome& outcome) {
  return outcome.rule ? fmt::format("rule {}", outcome.rule->name) : std::string("the service's default");
}

std::string outcome_text(const core::Decision& decision, const core::Outcome& outcome) {
  auto text = fmt::format("{} ({})", token(outcome.result()), token(outcome.reason));
  if (!outcome.detail.empty()) text += ": " + outcome.detail;
  if (const auto identity = core::authenticated_identity(decision, outcome); !identity.empty())
    text += ", identity " + identity;
  return printable(text);
}

void add_decision(std::string& out, const core::Decision& decision) {
  out += names_as_text(decision);
  for (const auto& outcome : decision.monitored)
    add(out, "monitored",
        fmt::format("{} would {}: {}", who(outcome), token(outcome.action), outcome_text(decision, outcome)));
  const auto& outcome = decision.outcome;
  add(out, "verdict", outcome_text(decision, outcome));
  add(out, "action",
      fmt::format("{}{}, by {}", token(outcome.action),
                  outcome.mode == core::Mode::monitor ? " (monitor mode: only logged)" : "", who(outcome)));
}

} // namespace

std::string names_as_text(const core::Decision& decision) {
  std::string out = decision.names.empty() ? "names:      none needed\n" : "names:\n";
  for (const auto& trace : decision.names)
    out += name_lines(trace);
  return out;
}

std::string explain_as_text(const Explanation& explanation) {
  std::string out = explanation.number > 1 ? "\n" : "";
  add(out, "request", fmt::format("{}: {}", explanation.number, request_line(explanation)));
  add(out, "service", explanation.service.empty() ? "none" : explanation.service);
  add(out, "credential", credential_line(explanation.evidence));
  if (!explanation.note.empty()) add(out, "note", explanation.note);
  if (explanation.decision) add_decision(out, *explanation.decision);
  add(out, "reply", explanation.reply);
  return out;
}

} // namespace danegate::policy
