#include "milter/session.h"

#include "daemon/core/auth_results_field.h"
#include "milter/auth_results.h"
#include "milter/from_field.h"
#include "milter/path.h"

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

namespace danegate::milter {

namespace {

using core::EvidenceProblem;
using core::Reason;

const std::string nothing; // what an accessor gives where there is no message

/// What goes into the header.
struct Verdict {
  core::Reason reason;
  bool by_rule;
  std::string field;
};

} // namespace

struct Session::Message {
  config::ConfigPtr config;
  std::string id;   ///< unlike that of any other message
  std::string path; ///< of the sender, as sent
  core::MailAddress sender;
  std::string queue;
  std::string login;
  bool logged_in = false;
  std::vector<core::MailAddress> recipients; ///< accepted
  std::vector<core::MailAddress> waiting;    ///< of these, to be judged at the end
  core::MailAddress asked;                   ///< the recipient that is being judged
  bool asked_joined = false;
  bool any_joined = false; ///< some recipient was left to the policy service's verdict
  std::optional<Verdict> worst;
  std::optional<core::Refusal> refusal; ///< of end of message
  unsigned strictness = 0;              ///< of `refusal`
  std::optional<std::string> hold;
  core::HeaderFrom from;
  std::size_t from_fields = 0;
  unsigned results_fields = 0; ///< Authentication-Results seen so far
  std::vector<unsigned> remove;
};

Session::Session(Parts parts) : parts_(std::move(parts)) {}

Session::~Session() {
  close();
}

void Session::abort() noexcept {
  message_.reset();
}

bool Session::left_to_policy() const noexcept {
  return message_ && message_->asked_joined;
}

// ---- the session

void Session::connect(const Peer& peer, const Macros& macros) {
  close();
  peer_ = peer;
  resolved_ = macros("{client_resolve}") == "OK";
  daemon_name_ = macros("{daemon_name}");
  daemon_port_ = macros("{daemon_port}");
  helo_.clear();
  tls_ = {};
  overloaded_ = false;
  const std::string client_port = std::to_string(peer.port);
  const std::string server = macros("{daemon_addr}");
  const auto key = service::SessionKey::parse({client(), client_port, server, daemon_port_});
  if (!key) return;
  ticket_ = parts_.join->open(*key);
  overloaded_ = !ticket_;
}

void Session::helo(std::string_view name, const Macros& macros) {
  abort();
  helo_ = name;
  tls_ = TlsMacros::read(macros);
  if (ticket_) parts_.join->forget(*ticket_);
}

void Session::close() {
  abort();
  if (ticket_) parts_.join->close(*ticket_);
  ticket_.reset();
}

// ---- the envelope

void Session::mail(std::string_view path, const Macros& macros) {
  static std::atomic<std::uint64_t> count = 0;
  message_ = std::make_unique<Message>();
  Message& message = *message_;
  message.id = "milter " + std::to_string(++count);
  message.config = parts_.config();
  message.path = mailbox_of(path);
  message.sender = core::MailAddress::parse(message.path, message.config->server.origin, parts_.to_ascii);
  message.queue = macros("i");
  message.login = macros("{auth_authen}");
  message.logged_in = !message.login.empty() || !macros("{auth_type}").empty();
  tls_ = TlsMacros::read(macros);
}

std::optional<core::Question> Session::rcpt(std::string_view path, const Macros& macros) {
  Message& m = message();
  if (m.recipients.size() >= max_recipients) throw std::length_error("more recipients than are looked at");
  m.queue = macros("i");
  const std::string mailbox = mailbox_of(path);
  m.asked = core::MailAddress::parse(mailbox, m.config->server.origin, parts_.to_ascii);
  if (!tls_.has_evidence() && !mailbox.contains('@')) {
    m.asked_joined = false;
    m.waiting.push_back(m.asked);
    m.recipients.push_back(m.asked);
    return std::nullopt;
  }
  const Standing now = standing();
  m.asked_joined = now.joined;
  if (now.service == nullptr) {
    no_service_ = true;
    m.recipients.push_back(m.asked);
    return std::nullopt;
  }
  no_evidence_ = now.problem && now.problem->reason == Reason::no_evidence;
  return question(now, &m.asked);
}

std::optional<core::Refusal> Session::rcpt_judged(const core::Decision& decision, std::string_view ref) {
  Message& m = message();
  const core::Action action = core::effective_action(decision.outcome);
  if (!m.asked_joined && !core::lets_through(action)) return core::refusal_of(decision.outcome, ref);
  if (!m.asked_joined && action == core::Action::hold && !m.hold) m.hold = core::hold_text(ref);
  m.any_joined = m.any_joined || m.asked_joined;
  m.recipients.push_back(m.asked);
  note(decision);
  return std::nullopt;
}

// ---- the header

void Session::header(std::string_view name, std::string_view value) {
  if (!message_) return;
  Message& m = *message_;
  if (core::ascii_iequals(name, "From")) {
    if (++m.from_fields > max_from_fields)
      m.from.hidden = core::Hidden::anything;
    else
      add(m.from, read_from(value, std::nullopt, parts_.to_ascii)); // no mail server completes a stranger's header
  } else if (core::ascii_iequals(name, core::auth_results_name)) {
    if (++m.results_fields > max_fields)
      throw std::length_error("more Authentication-Results fields than are looked at");
    const auto policy = m.config->milter.remove_all ? Removal::all : Removal::own;
    if (is_to_be_removed(value, m.config->server.authserv_id, policy, parts_.to_ascii))
      m.remove.push_back(m.results_fields);
  }
}

// ---- the end

std::vector<core::Question> Session::end(const Macros& macros) {
  Message& m = message();
  if (std::string queue = macros("i"); !queue.empty()) m.queue = std::move(queue);
  const Standing now = standing();
  std::vector<core::Question> questions;
  if (now.service == nullptr) {
    no_service_ = true;
    return questions;
  }
  const bool taken_back = m.any_joined && !now.joined; // it was another message's
  if (taken_back) m.worst.reset();
  for (const auto& recipient : taken_back ? m.recipients : m.waiting)
    questions.push_back(question(now, &recipient));
  no_evidence_ = !questions.empty() && now.problem && now.problem->reason == Reason::no_evidence;
  core::Question of_header = question(now, nullptr);
  auto rules = m.config->rules->applicable_from(*now.service, of_header.envelope, m.recipients, m.from);
  if (rules.empty()) return questions;
  of_header.rules = std::move(rules);
  questions.push_back(std::move(of_header));
  return questions;
}

void Session::end_judged(const core::Decision& decision, std::string_view ref) {
  Message& m = message();
  const core::Action action = core::effective_action(decision.outcome);
  if (action == core::Action::hold && !m.hold) m.hold = core::hold_text(ref);
  if (!core::lets_through(action) && core::strictness(action) > m.strictness) {
    m.strictness = core::strictness(action);
    m.refusal = core::refusal_of(decision.outcome, ref);
  }
  note(decision);
}

/// The field is that of the worst verdict; of two alike, of the one that a rule gave.
void Session::note(const core::Decision& decision) {
  Message& m = *message_;
  const core::Outcome& outcome = decision.outcome;
  const bool by_rule = outcome.rule != nullptr;
  if (m.worst && !core::is_worse(outcome.reason, m.worst->reason) &&
      (outcome.reason != m.worst->reason || !by_rule || m.worst->by_rule))
    return;
  m.worst = Verdict{outcome.reason, by_rule, core::auth_results_value(decision, outcome, m.config->server.authserv_id)};
}

Ending Session::finish() {
  Message& m = message();
  Ending ending;
  ending.refusal = std::move(m.refusal);
  ending.quarantine = std::move(m.hold);
  ending.remove.assign(m.remove.rbegin(), m.remove.rend());
  if (m.worst) ending.field = std::move(m.worst->field);
  abort();
  return ending;
}

// ---- whose word is taken

Session::Message& Session::message() {
  if (!message_) throw std::logic_error("an event of a message without MAIL");
  return *message_;
}

/// What Postfix told the policy service has to agree with what it tells us: it is of this TLS state, then.
bool Session::is_of_this_state(const core::Evidence& evidence) const noexcept {
  return evidence.tls == tls_.tls() && evidence.tls_version == tls_.version;
}

std::optional<service::SessionEvidence> Session::joined() const {
  if (!ticket_) return std::nullopt;
  auto found = parts_.join->find(*ticket_, queue(), parts_.now());
  if (!found || !is_of_this_state(found->evidence)) return std::nullopt;
  return found;
}

Session::Standing Session::standing() const {
  const core::RuleSet& rules = *message_->config->rules;
  Standing result;
  if (tls_.has_evidence()) {
    result.evidence = tls_.evidence();
    result.claims = own_claims();
  } else if (auto found = joined()) {
    result.evidence = std::move(found->evidence);
    result.claims = std::move(found->claims);
    result.service = rules.service_named(found->service);
    result.joined = true;
  } else {
    result.evidence.tls = tls_.tls();
    result.claims = own_claims();
    if (overloaded_)
      result.problem =
          EvidenceProblem{Reason::overload, "more milter sessions than can be joined with policy requests"};
    else if (tls_.tls())
      result.problem = EvidenceProblem{Reason::no_evidence, "no policy request of this session was seen"};
  }
  if (result.service == nullptr) result.service = service_by_daemon();
  return result;
}

const core::Service* Session::service_by_daemon() const {
  const core::RuleSet& rules = *message_->config->rules;
  if (const core::Service* const named = rules.service_named(daemon_name_)) return named;
  const auto port = core::parse_port(daemon_port_);
  return port ? rules.service_on_port(*port) : nullptr;
}

core::Claims Session::own_claims() const {
  core::Claims claims;
  claims.helo = helo_;
  claims.subject = tls_.vouched_subject();
  if (resolved_ && !peer_.host.starts_with('[')) claims.client = peer_.host;
  claims.sasl = message_->login;
  return claims;
}

core::Question Session::question(const Standing& standing, const core::MailAddress* recipient) const {
  core::Question made;
  made.service = standing.service;
  made.evidence = standing.evidence;
  made.claims = standing.claims;
  made.claims.sender = message_->sender;
  made.envelope.client = peer_.address;
  made.envelope.sender = message_->sender;
  if (recipient != nullptr) made.envelope.recipient = *recipient;
  made.envelope.logged_in = message_->logged_in || !standing.claims.sasl.empty();
  made.problem = standing.problem;
  made.message = message_->id;
  return made;
}

// ---- for the log

const std::string& Session::queue() const noexcept {
  return message_ ? message_->queue : nothing;
}

const std::string& Session::sender() const noexcept {
  return message_ ? message_->path : nothing;
}

std::string Session::client() const {
  return peer_.address ? peer_.address->text() : std::string();
}

config::ConfigPtr Session::config() const {
  return message_ ? message_->config : parts_.config();
}

} // namespace danegate::milter
