#include "policy/explain.h"

#include "daemon/core/auth_results_field.h"
#include "policy/question.h"
#include "policy/reply.h"

#include <utility>

namespace danegate::policy {

namespace {

/// Stands where a real reply has a reference to the log.
constexpr std::string_view no_reference = "XXXXXXXX";

/// Empty where a verdict is given for a request of this stage.
std::string_view why_not_judged(Stage stage) noexcept {
  switch (stage) {
  case Stage::before_mail: return "no verdict is given before MAIL: there may be no evidence yet";
  case Stage::other_command: return "no verdict is given for this command: there is no mail to judge";
  case Stage::mail:
  case Stage::rcpt:
  case Stage::data:
  case Stage::end_of_message:
  case Stage::unknown: break;
  }
  return {};
}

/// "action=X\n\n" without what the protocol puts around it.
std::string action_of(std::string_view reply) {
  constexpr std::string_view prefix = "action=";
  if (reply.starts_with(prefix)) reply.remove_prefix(prefix.size());
  return std::string(reply.substr(0, reply.find('\n')));
}

std::string reply_for(const core::Decision& decision, Stage stage, const config::Config& config) {
  const auto& outcome = decision.outcome;
  const auto action = core::effective_action(outcome);
  const bool with_field =
      config.policy.header_always && stage == Stage::data && core::lets_through(action) && action != core::Action::hold;
  if (!with_field) return verdict_reply(outcome, no_reference);
  return prepend_reply(core::auth_results_field(decision, outcome, config.server.authserv_id));
}

/// Empty if the certificate is the one that the mail server saw. Then a session that has no subject yet gets the
/// certificate's name, if it has just one (claims.h).
std::string add_certificate(core::Question& question, const core::Certificate& certificate, const core::Ports& ports) {
  auto& evidence = question.evidence;
  if (!evidence.certificate_digest)
    return "the request has no readable ccert_fingerprint that the certificate could have";
  const auto digest = ports.hash(evidence.certificate_digest->algorithm(), certificate.der);
  if (digest.empty() || digest != evidence.certificate_digest->bytes())
    return "the certificate's fingerprint is not the request's ccert_fingerprint";
  evidence.certificate = certificate;
  auto& subject = question.claims.subject;
  if (subject.empty() && certificate.dns_names.size() == 1) subject = certificate.dns_names.front().text();
  return {};
}

Explanation describe_request(const Request& request) {
  Explanation explanation;
  explanation.state = request.get(Attribute::protocol_state);
  explanation.client = request.get(Attribute::client_address);
  explanation.helo = request.get(Attribute::helo_name);
  explanation.sender = request.get(Attribute::sender);
  explanation.recipient = request.get(Attribute::recipient);
  explanation.reply = action_of(dunno_reply());
  return explanation;
}

} // namespace

std::expected<OpenExplanation, std::string> begin_explanation(std::string_view text, const config::Config& config,
                                                              const std::optional<core::Certificate>& certificate,
                                                              const core::Ports& ports) {
  const auto request = Request::parse(text);
  if (!request) return std::unexpected(std::string(describe(request.error())));
  OpenExplanation open;
  auto& explanation = open.explanation = describe_request(*request);
  open.stage = stage_of(request->get(Attribute::protocol_state));
  explanation.evidence = evidence_of(*request);
  explanation.note = why_not_judged(open.stage);
  if (!explanation.note.empty()) return open;
  const auto choice = choose_service(*request, *config.rules);
  if (choice.unknown_context) explanation.note = "policy_context names no service; the server's port chooses instead";
  if (!choice.service) {
    explanation.note = "no verdict: neither policy_context nor server_port belongs to a service";
    return open;
  }
  explanation.service = choice.service->name;
  auto question = make_question(*request, config, *choice.service, recipient_of(*request), ports.to_ascii);
  if (certificate)
    if (auto problem = add_certificate(question, *certificate, ports); !problem.empty())
      return std::unexpected(std::move(problem));
  explanation.evidence = question.evidence;
  open.question = std::move(question);
  return open;
}

Explanation finish_explanation(OpenExplanation open, core::Decision decision, const config::Config& config) {
  auto& explanation = open.explanation;
  explanation.reply = action_of(reply_for(decision, open.stage, config));
  explanation.decision = std::move(decision);
  return std::move(explanation);
}

std::expected<Explanation, std::string> explain_request(std::string_view text, const config::Config& config,
                                                        const std::optional<core::Certificate>& certificate,
                                                        const core::Ports& ports, const JudgeNow& judge) {
  auto open = begin_explanation(text, config, certificate, ports);
  if (!open) return std::unexpected(std::move(open.error()));
  if (!open->question) return std::move(open->explanation);
  auto& note = open->explanation.note;
  if (note.empty() && config.roster_plan && config.roster_plan->names() > 0)
    note = "judged without the daemon's roster: identities are looked up only where they are claimed";
  auto decision = judge(std::move(*open->question));
  return finish_explanation(std::move(*open), std::move(decision), config);
}

} // namespace danegate::policy
