#include "daemon/service/verdict_log.h"

#include "daemon/service/log_format.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <variant>

namespace danegate::service {

namespace {

const core::TlsaRecord* matched_record(const core::TlsaAnswer& answer, const core::Outcome& outcome) {
  const auto* secure = std::get_if<core::Secure>(&answer.outcome);
  return secure && outcome.record && *outcome.record < secure->records.size() ? &secure->records[*outcome.record]
                                                                              : nullptr;
}

/// Of a bogus or failed answer the TTL means nothing.
bool has_ttl(const core::TlsaAnswer& answer) {
  return !std::holds_alternative<core::Bogus>(answer.outcome) && !std::holds_alternative<core::Failed>(answer.outcome);
}

void add_dns(LineEncoder& line, const core::Decision& decision, const core::Outcome& outcome) {
  const core::NameTrace* name = decision.name_of(outcome);
  const core::TlsaAnswer* answer = name ? name->answer.get() : nullptr;
  const core::TlsaRecord* record = answer ? matched_record(*answer, outcome) : nullptr;
  line.text("owner",
            name && name->name && !outcome.several ? std::string_view(name->name->owner.text()) : std::string_view());
  line.text("dnssec", answer ? core::state_of(*answer) : std::string_view());
  line.text("record", record ? record->summary() : std::string());
  if (answer && has_ttl(*answer))
    line.number("ttl", answer->ttl.count() > 0 ? static_cast<std::uint64_t>(answer->ttl.count()) : 0);
  else
    line.absent("ttl");
}

void add_peer(LineEncoder& line, const VerdictContext& context) {
  line.text("client", context.client);
  line.text("helo", context.helo);
  line.text("sender", context.sender);
}

} // namespace

namespace {

/// Random octets, fetched from the kernel for more and more references at once: one thread wants few of them, another
/// one very many. Each is used once and then cleared.
class RandomOctets {
public:
  using Eight = std::array<std::uint8_t, 8>;

  Eight take() {
    if (next_ == filled_) {
      filled_ = std::min(std::max<std::size_t>(2 * filled_, 1), octets_.size());
      arc4random_buf(octets_.data(), filled_ * sizeof(Eight));
      next_ = 0;
    }
    return std::exchange(octets_[next_++], {});
  }

private:
  std::array<Eight, 64> octets_{};
  std::size_t filled_ = 0;
  std::size_t next_ = 0;
};

} // namespace

std::string make_reference() {
  constexpr std::string_view alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"; // Crockford's: no I, L, O, U
  thread_local RandomOctets random;
  std::string reference;
  for (const std::uint8_t octet : random.take())
    reference += alphabet[octet % alphabet.size()]; // 256 is a multiple of 32: no bias
  return reference;
}

void append_verdict_line(std::string& out, const core::Decision& decision, const core::Outcome& outcome,
                         const VerdictContext& context, bool json) {
  if (json) out += '{';
  LineEncoder line(out, json);
  line.time("time", std::chrono::system_clock::now());
  line.text("level", "info");
  line.text("event", "verdict");
  line.text("ref", context.ref);
  line.text("queue", context.queue);
  line.text("instance", context.instance);
  line.text("state", context.state);
  line.text("service", decision.service ? std::string_view(decision.service->name) : std::string_view());
  line.text("rule", outcome.rule ? std::string_view(outcome.rule->name) : std::string_view());
  line.text("mode", core::token(outcome.mode));
  line.text("action", core::token(outcome.action));
  line.text("result", core::token(outcome.result()));
  line.text("reason", core::token(outcome.reason));
  line.text("identity", core::authenticated_identity(decision, outcome));
  add_dns(line, decision, outcome);
  add_peer(line, context);
  line.number("lookups", decision.lookups);
  line.number("cached", decision.cached);
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(context.elapsed).count();
  line.number("ms", ms > 0 ? static_cast<std::uint64_t>(ms) : 0);
  if (core::served_by_grace(decision, outcome)) line.text("grace", "yes");
  if (!outcome.detail.empty()) line.text("detail", outcome.detail);
  if (json) out += '}';
}

void log_decision(Log& log, const core::Decision& decision, const VerdictContext& context) {
  if (!log.enabled(config::LogLevel::info)) return;
  const bool json = log.json();
  constexpr std::size_t usual_line = 512; // octets
  thread_local std::string line;          // keeps its memory: a line is at most some 15 KB
  const auto write = [&](const core::Outcome& outcome) {
    line.clear();
    line.reserve(usual_line);
    append_verdict_line(line, decision, outcome, context, json);
    log.line(config::LogLevel::info, line);
  };
  write(decision.outcome);
  for (const auto* const more : {&decision.others, &decision.monitored})
    for (const core::Outcome& outcome : *more)
      write(outcome);
}

void record_decision(Log& log, VerdictCounts* counts, const core::Decision& decision, const VerdictContext& context) {
  if (counts != nullptr) counts->note(decision, context.elapsed);
  log_decision(log, decision, context);
}

} // namespace danegate::service
