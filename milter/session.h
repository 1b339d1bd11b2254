// One SMTP session as a milter sees it, from connect to close: whose evidence counts, what has to be judged, and what
// becomes of the message. Pure: no I/O and no libmilter; questions come out, decisions go in (conversation.h drives
// it).
//
// Evidence. Sendmail sends it as macros. Postfix does not: its policy requests of the same session have it, and the
// join keeps it for us. Where nothing was joined, a session without TLS is `none no-tls`, and one with TLS is
// `permerror no-evidence`: we were not told.
//
// Who enforces what. Rules of the envelope are enforced at RCPT by whoever sees the session first: where evidence was
// joined, Postfix has asked its policy service, and what that said stands; everywhere else it is us. Postfix asks
// nobody about a bare <postmaster>: that recipient is judged here at end of message, when a policy request of DATA may
// have told us who the client is. Rules with `from` are judged here only, at end of message, and can only make things
// stricter. In no case does a milter permit relaying.
//
// Life cycle: one object for each milter connection. The events of one connection come one after the other, on whatever
// thread. A message keeps the configuration that it began with.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/auth_flow.h"
#include "daemon/core/refusal.h"
#include "daemon/service/evidence_join.h"
#include "milter/tls_macros.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace danegate::milter {

/// The client's end, as the mail server reports it at connect.
struct Peer {
  std::string host;                       ///< name or "[address]"
  std::optional<core::IpAddress> address; ///< absent: a local socket, or unknown
  std::uint16_t port = 0;
};

/// What the mail server is to do with a message.
struct Ending {
  std::optional<core::Refusal> refusal;  ///< then nothing else counts
  std::optional<std::string> quarantine; ///< why the message is held
  std::vector<unsigned> remove;          ///< Authentication-Results fields to delete, by their count from 1, last first
  std::string field;                     ///< value of our own field, to stand on top; empty: none
};

class Session {
public:
  struct Parts {
    std::function<config::ConfigPtr()> config; ///< in force now; never null
    service::EvidenceJoin* join;
    core::ToAscii to_ascii;
    std::function<service::EvidenceJoin::Time()> now;
  };

  /// Bounds of one message. Past them it is deferred (std::length_error).
  static constexpr std::size_t max_recipients = 10000;
  static constexpr unsigned max_fields = 100000; ///< of one name
  static constexpr std::size_t max_from_fields = 100;

  explicit Session(Parts parts);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ~Session();

  void connect(const Peer& peer, const Macros& macros);
  void helo(std::string_view name, const Macros& macros);
  void mail(std::string_view path, const Macros& macros);

  /// What is to be judged for this recipient; nullopt: it belongs to no service, or is judged at the end.
  std::optional<core::Question> rcpt(std::string_view path, const Macros& macros);
  /// The answer to rcpt()'s question: a refusal, or nothing.
  std::optional<core::Refusal> rcpt_judged(const core::Decision& decision, std::string_view ref);

  void header(std::string_view name, std::string_view value);

  /// What is to be judged at end of message: recipients that had to wait, rules with `from`, and the envelope again
  /// where what was joined at RCPT turns out to belong to another message.
  std::vector<core::Question> end(const Macros& macros);
  void end_judged(const core::Decision& decision, std::string_view ref);
  Ending finish();

  /// The message is over, delivered or not.
  void abort() noexcept;

  void close();

  bool in_message() const noexcept { return message_ != nullptr; }

  /// The recipient that rcpt() asked about was the policy service's to judge: our verdict only goes into the header.
  bool left_to_policy() const noexcept;

  /// What a verdict line says of the session.
  const std::string& queue() const noexcept;
  std::string client() const;

  const std::string& helo_name() const noexcept { return helo_; }

  const std::string& sender() const noexcept;
  /// The configuration of the message; of now where there is none.
  config::ConfigPtr config() const;

  /// Reasons for a line in the log, each true once after it arose.
  bool take_no_evidence() { return std::exchange(no_evidence_, false); }

  bool take_no_service() { return std::exchange(no_service_, false); }

  const std::string& daemon_name() const noexcept { return daemon_name_; }

private:
  /// Whose word is taken for this session now, and for which service.
  struct Standing {
    core::Evidence evidence;
    core::Claims claims;
    const core::Service* service = nullptr;
    std::optional<core::EvidenceProblem> problem;
    bool joined = false; ///< the policy service judges the envelope
  };

  struct Message;

  Message& message();
  Standing standing() const;
  bool is_of_this_state(const core::Evidence& evidence) const noexcept;
  std::optional<service::SessionEvidence> joined() const;
  const core::Service* service_by_daemon() const;
  core::Claims own_claims() const;
  core::Question question(const Standing& standing, const core::MailAddress* recipient) const;
  void note(const core::Decision& decision);

  Parts parts_;
  Peer peer_;
  bool resolved_ = false; ///< the host name is forward-confirmed
  std::optional<service::EvidenceJoin::Ticket> ticket_;
  bool overloaded_ = false; ///< no slot was to be had
  std::string daemon_name_;
  std::string daemon_port_;
  std::string helo_;
  TlsMacros tls_;
  std::unique_ptr<Message> message_;
  bool no_evidence_ = false;
  bool no_service_ = false;
};

} // namespace danegate::milter
