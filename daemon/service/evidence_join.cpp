#include "daemon/service/evidence_join.h"

#include <utility>

namespace danegate::service {

std::optional<SessionKey> SessionKey::parse(const Texts& texts) {
  const auto client = core::IpAddress::parse(texts.client_address);
  const auto server = core::IpAddress::parse(texts.server_address);
  const auto client_port = core::parse_port(texts.client_port);
  const auto server_port = core::parse_port(texts.server_port);
  if (!client || !server || !client_port || !server_port) return std::nullopt;
  return SessionKey{*client, *server, *client_port, *server_port};
}

std::optional<EvidenceJoin::Ticket> EvidenceJoin::open(const SessionKey& key) {
  const std::scoped_lock lock(mutex_);
  if (slots_.size() >= max_sessions && !slots_.contains(key)) return std::nullopt;
  const std::uint64_t number = ++last_number_;
  slots_.insert_or_assign(key, Slot{number, std::nullopt, {}});
  return Ticket{key, number};
}

void EvidenceJoin::close(const Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (slot_of(ticket) != nullptr) slots_.erase(ticket.key);
}

void EvidenceJoin::forget(const Ticket& ticket) {
  const std::scoped_lock lock(mutex_);
  if (Slot* const slot = slot_of(ticket)) slot->evidence.reset();
}

void EvidenceJoin::note(const SessionKey& key, SessionEvidence evidence, Time now) {
  const std::scoped_lock lock(mutex_);
  const auto found = slots_.find(key);
  if (found == slots_.end()) return;
  found->second.evidence = std::move(evidence);
  found->second.noted = now;
}

std::optional<SessionEvidence> EvidenceJoin::find(const Ticket& ticket, std::string_view queue, Time now) const {
  const std::scoped_lock lock(mutex_);
  const auto found = slots_.find(ticket.key);
  if (found == slots_.end() || found->second.number != ticket.number) return std::nullopt;
  const Slot& slot = found->second;
  if (!slot.evidence || now - slot.noted >= max_age) return std::nullopt;
  const bool other_message = !queue.empty() && !slot.evidence->queue.empty() && queue != slot.evidence->queue;
  if (other_message) return std::nullopt;
  return slot.evidence;
}

std::size_t EvidenceJoin::size() const {
  const std::scoped_lock lock(mutex_);
  return slots_.size();
}

EvidenceJoin::Slot* EvidenceJoin::slot_of(const Ticket& ticket) {
  const auto found = slots_.find(ticket.key);
  return found != slots_.end() && found->second.number == ticket.number ? &found->second : nullptr;
}

} // namespace danegate::service
