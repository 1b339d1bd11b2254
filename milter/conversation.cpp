#include "milter/conversation.h"

#include "daemon/service/verdict_log.h"

#include <chrono>
#include <string>
#include <utility>

namespace danegate::milter {

using Clock = std::chrono::steady_clock;

std::optional<core::Refusal> Conversation::rcpt(std::string_view path, const Macros& macros) {
  auto question = session_.rcpt(path, macros);
  warn();
  if (!question) return std::nullopt;
  const Judged judged = judge(std::move(*question), "RCPT");
  return session_.rcpt_judged(judged.decision, judged.ref);
}

Ending Conversation::end_of_message(const Macros& macros) {
  auto questions = session_.end(macros);
  warn();
  for (auto& question : questions) {
    const Judged judged = judge(std::move(question), "END-OF-MESSAGE");
    session_.end_judged(judged.decision, judged.ref);
  }
  return session_.finish();
}

/// What the policy service has judged is in the log already, and counted.
Conversation::Judged Conversation::judge(core::Question question, std::string_view state) {
  const auto begun = Clock::now();
  const std::string client = session_.client();
  Judged judged{gateway_.judge(std::move(question), session_.config()), service::make_reference()};
  if (state == "RCPT" && session_.left_to_policy()) return judged;
  service::record_decision(log_, counts_, judged.decision,
                           {judged.ref,
                            session_.queue(),
                            {},
                            state,
                            client,
                            session_.helo_name(),
                            session_.sender(),
                            std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - begun)});
  return judged;
}

void Conversation::warn() {
  if (session_.take_no_evidence())
    log_.event_limited(
        "milter-no-evidence", config::LogLevel::warning, "milter-no-evidence",
        "TLS is on, and nothing is known of the client's credential. Postfix tells it to policy services "
        "only: add check_policy_service to smtpd_recipient_restrictions and smtpd_data_restrictions. "
        "Sendmail: set confCERT_FINGERPRINT_ALGORITHM",
        {{"daemon", session_.daemon_name()}, {"queue", session_.queue()}});
  if (session_.take_no_service())
    log_.event_limited("milter-no-service", config::LogLevel::warning, "milter-no-service",
                       "a message belongs to no service and is not judged", {{"daemon", session_.daemon_name()}});
}

} // namespace danegate::milter
