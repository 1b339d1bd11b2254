#include "policy/handler.h"

#include "daemon/core/auth_results_field.h"
#include "daemon/service/verdict_log.h"
#include "policy/question.h"
#include "policy/reply.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <utility>

namespace danegate::policy {

using boost::asio::awaitable;
using Clock = std::chrono::steady_clock;

namespace {

/// Of one message and one service. Postfix's `instance` is unique to one mail system; the client's address tells apart
/// those of several that ask the same danegate. Requests without one are not remembered.
std::string message_key(const Request& request, const core::Service& service) {
  const std::string_view instance = request.get(Attribute::instance);
  if (instance.empty()) return {};
  const std::string_view client = request.get(Attribute::client_address);
  std::string key;
  key.reserve(instance.size() + client.size() + service.name.size() + 2);
  key.append(instance).append("\n").append(client).append("\n").append(service.name);
  return key;
}

} // namespace

/// What of a request is needed after its verdict: views of the request, until keep() has copied them.
struct Handler::Case {
  Case(const Request& request, Stage where, const core::Service& service, config::ConfigPtr snapshot,
       core::ToAscii to_ascii)
      : config(std::move(snapshot)),
        question(make_question(request, *config, service, recipient_of(request), to_ascii)), stage(where),
        key(message_key(request, service)), recipient(request.get(Attribute::recipient)),
        queue(request.get(Attribute::queue_id)), instance(request.get(Attribute::instance)),
        state(request.get(Attribute::protocol_state)), client(request.get(Attribute::client_address)),
        helo(request.get(Attribute::helo_name)), sender(request.get(Attribute::sender)) {
    question.message = key;
  }

  /// The request may go then. This object stays where it is from now on.
  void keep() {
    const std::array views{&recipient, &queue, &instance, &state, &client, &helo, &sender};
    std::size_t octets = 0;
    for (const auto* const view : views)
      octets += view->size();
    kept_.reserve(octets);
    for (auto* const view : views) {
      const std::size_t begin = kept_.size();
      kept_ += *view;
      *view = std::string_view(kept_).substr(begin);
    }
  }

  config::ConfigPtr config;
  core::Question question;
  Stage stage;
  std::string key; ///< in the message table; empty: nothing to remember
  Time begun;
  std::string_view recipient;
  std::string_view queue;
  std::string_view instance;
  std::string_view state;
  std::string_view client;
  std::string_view helo;
  std::string_view sender;

private:
  std::string kept_; ///< all of them, one after the other
};

namespace {

/// The mailbox of the recipient that skips the RCPT request. The origin is added as the mail server will add it.
constexpr std::string_view bare_postmaster = "postmaster";

bool is_judged(Stage stage) noexcept {
  switch (stage) {
  case Stage::before_mail:
  case Stage::other_command: return false;
  case Stage::mail:
  case Stage::rcpt:
  case Stage::data:
  case Stage::end_of_message:
  case Stage::unknown: return true;
  }
  return true;
}

bool is_whole_message(Stage stage) noexcept {
  return stage == Stage::data || stage == Stage::end_of_message;
}

} // namespace

Handler::Handler(Parts parts, service::Log& log)
    : config_(std::move(parts.config)), judge_(std::move(parts.judge)), to_ascii_(parts.to_ascii), join_(parts.join),
      counts_(parts.counts), log_(log), messages_(MessageLimits{}) {}

Soon<std::string> Handler::reply_to(const Request& request, Channel channel) {
  const Stage stage = stage_of(request.get(Attribute::protocol_state));
  if (!is_judged(stage)) return dunno_reply();

  config::ConfigPtr config = config_();
  const ServiceChoice choice = choose_service(request, *config->rules);
  log_choice(request, choice.unknown_context, choice.service == nullptr);
  if (choice.service == nullptr) return dunno_reply();

  Case asked(request, stage, *choice.service, std::move(config), to_ascii_);
  if (join_ != nullptr && (channel == Channel::local || asked.config->policy.trust_inet)) tell_milter(asked, request);
  if (std::string reply = settle(asked, request); !reply.empty()) return reply;
  return judge(std::move(asked));
}

/// The milter connection of the same session gets no fingerprints from Postfix: it borrows ours.
void Handler::tell_milter(const Case& asked, const Request& request) {
  const auto key =
      service::SessionKey::parse({request.get(Attribute::client_address), request.get(Attribute::client_port),
                                  request.get(Attribute::server_address), request.get(Attribute::server_port)});
  if (!key) return;
  join_->note(*key,
              {asked.question.evidence, asked.question.claims, asked.question.service->name, std::string(asked.queue)},
              Clock::now());
}

/// The reply where the verdicts given at RCPT settle the matter; empty where a verdict is needed.
std::string Handler::settle(Case& asked, const Request& request) {
  if (!is_whole_message(asked.stage) || asked.key.empty()) return {};
  const auto count = number_of(request, Attribute::recipient_count);
  const auto now = Clock::now();
  switch (messages_.standing(asked.key, asked.recipient, count, now)) {
  case MessageTable::Standing::stands:
    if (asked.stage != Stage::data || !asked.config->policy.header_always) return dunno_reply();
    return prepend_reply(messages_.take_field(asked.key, now));
  case MessageTable::Standing::unknown: return {};
  case MessageTable::Standing::unaccounted: break;
  }
  if (asked.recipient.empty()) {
    asked.question.envelope.recipient =
        core::MailAddress::parse(bare_postmaster, asked.config->server.origin, to_ascii_);
  }
  return {};
}

Soon<std::string> Handler::judge(Case&& asked) {
  asked.begun = Clock::now();
  auto verdict = judge_(std::move(asked.question), asked.config);
  if (const auto* const known = std::get_if<core::Decision>(&verdict)) return conclude(asked, *known);
  auto waiting = std::make_unique<Case>(std::move(asked));
  waiting->keep();
  return await_verdict(std::move(waiting), std::get<awaitable<core::Decision>>(std::move(verdict)));
}

awaitable<std::string> Handler::await_verdict(std::unique_ptr<Case> asked, awaitable<core::Decision> verdict) {
  const core::Decision decision = co_await std::move(verdict);
  co_return conclude(*asked, decision);
}

std::string Handler::conclude(const Case& asked, const core::Decision& decision) {
  const auto now = Clock::now();
  const std::string ref = service::make_reference();
  log_verdict(asked, decision, ref, now);
  const core::Action action = core::effective_action(decision.outcome);
  std::string reply = verdict_reply(decision.outcome, ref);
  MessageVerdict verdict{core::lets_through(action), decision.outcome.reason, {}};
  const bool with_field = asked.config->policy.header_always && verdict.let_through;
  if (with_field) {
    verdict.field = core::auth_results_field(decision, decision.outcome, asked.config->server.authserv_id);
  }
  const bool at_data = asked.stage == Stage::data && action != core::Action::hold;
  if (asked.key.empty()) return with_field && at_data ? prepend_reply(verdict.field) : reply;

  if (asked.stage == Stage::rcpt && !asked.recipient.empty()) {
    messages_.at_rcpt(asked.key, asked.recipient, std::move(verdict), now);
  } else if (is_whole_message(asked.stage)) {
    messages_.at_data(asked.key, std::move(verdict), now);
    if (with_field && at_data) {
      if (const std::string field = messages_.take_field(asked.key, now); !field.empty()) return prepend_reply(field);
    }
  }
  return reply;
}

void Handler::log_choice(const Request& request, bool unknown_context, bool none) {
  const std::string_view context = request.get(Attribute::policy_context);
  const std::string_view port = request.get(Attribute::server_port);
  if (unknown_context) {
    log_.event_limited("policy-context", config::LogLevel::warning, "policy-context",
                       "policy_context names no service; the server's port chooses instead",
                       {{"context", context}, {"port", port}});
  }
  if (none) {
    log_.event_limited("policy-no-service", config::LogLevel::warning, "policy-no-service",
                       "a request belongs to no service and is not judged", {{"context", context}, {"port", port}});
  }
}

void Handler::log_verdict(const Case& asked, const core::Decision& decision, std::string_view ref, Time now) {
  const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - asked.begun);
  service::record_decision(
      log_, counts_, decision,
      {ref, asked.queue, asked.instance, asked.state, asked.client, asked.helo, asked.sender, elapsed});
}

} // namespace danegate::policy
