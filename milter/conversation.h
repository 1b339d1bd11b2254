// Drives one milter connection's Session: has its questions judged, writes the verdict lines, and says what libmilter
// is to answer. Knows nothing of libmilter (adapter.h); whatever it throws is a temporary failure there.
#pragma once

#include "daemon/service/bounds.h"
#include "daemon/service/judge_gateway.h"
#include "daemon/service/log.h"
#include "daemon/service/verdict_counts.h"
#include "milter/session.h"

#include <functional>
#include <optional>
#include <string_view>

namespace danegate::milter {

class Conversation {
public:
  struct Parts {
    Session::Parts session;
    service::JudgeGateway* gateway;
    service::Log* log;
    std::function<void(service::Bound)> bound_met{}; ///< may be empty; on any thread
    service::VerdictCounts* counts = nullptr;        ///< null: verdicts are not counted
  };

  explicit Conversation(const Parts& parts)
      : session_(parts.session), gateway_(*parts.gateway), log_(*parts.log), counts_(parts.counts) {}

  Session& session() noexcept { return session_; }

  /// RCPT: a refusal, or nothing.
  std::optional<core::Refusal> rcpt(std::string_view path, const Macros& macros);
  Ending end_of_message(const Macros& macros);

private:
  /// A decision, and the reference under which it was logged.
  struct Judged {
    core::Decision decision;
    std::string ref;
  };

  Judged judge(core::Question question, std::string_view state);
  void warn();

  Session session_;
  service::JudgeGateway& gateway_;
  service::Log& log_;
  service::VerdictCounts* counts_;
};

} // namespace danegate::milter
