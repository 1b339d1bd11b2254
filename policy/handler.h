// One policy request, from its attributes to its reply: chooses the service, makes the question, has it judged, writes
// the verdict lines, and remembers what was said about the message.
//
// Lives on the loop's thread, and longer than any run of the loop: a verdict that waits for DNS comes back to it. Every
// request takes the configuration of its moment, so a reload is seen by the next request of a connection that lives on.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/auth_flow.h"
#include "daemon/service/evidence_join.h"
#include "daemon/service/judge_gateway.h"
#include "daemon/service/log.h"
#include "daemon/service/soon.h"
#include "daemon/service/verdict_counts.h"
#include "policy/message_table.h"
#include "policy/request.h"

#include <boost/asio/awaitable.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace danegate::policy {

/// The configuration now; never null.
using ConfigSource = std::function<config::ConfigPtr()>;

using service::Soon;

/// Answers within limits.deadline, whatever DNS does.
using Judge = service::JudgeOnLoop;

/// How a request came in. Any local user can speak to an inet listener, and fingerprints are public: what came there
/// says nothing of somebody else's session, unless policy.trust-inet says that it does.
enum class Channel : unsigned char { local, inet };

class Handler {
public:
  struct Parts {
    ConfigSource config;
    Judge judge;
    core::ToAscii to_ascii;
    service::EvidenceJoin* join = nullptr;    ///< null: there is no milter to tell
    service::VerdictCounts* counts = nullptr; ///< null: verdicts are not counted
  };

  Handler(Parts parts, service::Log& log);

  /// The reply, complete with its empty line. The request is read before this returns; what is returned keeps no view
  /// of it. Throws only what memory or the judge throws: then there is no reply, and the connection has to be closed.
  Soon<std::string> reply_to(const Request& request, Channel channel = Channel::local);

private:
  struct Case;
  using Time = std::chrono::steady_clock::time_point;

  void tell_milter(const Case& asked, const Request& request);
  std::string settle(Case& asked, const Request& request);
  Soon<std::string> judge(Case&& asked);
  boost::asio::awaitable<std::string> await_verdict(std::unique_ptr<Case> asked,
                                                    boost::asio::awaitable<core::Decision> verdict);
  std::string conclude(const Case& asked, const core::Decision& decision);
  void log_choice(const Request& request, bool unknown_context, bool none);
  void log_verdict(const Case& asked, const core::Decision& decision, std::string_view ref, Time now);

  ConfigSource config_;
  Judge judge_;
  core::ToAscii to_ascii_;
  service::EvidenceJoin* join_;
  service::VerdictCounts* counts_;
  service::Log& log_;
  MessageTable messages_;
};

} // namespace danegate::policy
