#include "daemon/service/lookup_gate.h"

namespace danegate::service {

struct LookupGate::Held {
  Held(std::shared_ptr<LookupGate> counted_by, Key lookup, std::optional<core::IpAddress> counted_client,
       core::ListEntry counted_entry)
      : gate(std::move(counted_by)), key(std::move(lookup)), client(counted_client), entry(counted_entry) {}

  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  ~Held() {
    if (counted) gate->release(*this);
  }

  std::shared_ptr<LookupGate> gate;
  Key key;
  std::optional<core::IpAddress> client;
  core::ListEntry entry;
  bool counted = false;
};

LookupGate::Admission LookupGate::admit(const Applicant& applicant, const config::Limits& limits) {
  const Key key{applicant.name, applicant.freshness};
  if (const auto found = in_flight_.find(key); found != in_flight_.end())
    if (auto lease = found->second.lock()) return {std::move(lease)};

  const auto client = applicant.client ? std::optional(applicant.client->client_key()) : std::nullopt;
  const auto count_of = [](const auto& counts, const auto& counted) {
    const auto found = counts.find(counted);
    return found == counts.end() ? std::size_t{0} : found->second;
  };
  const bool fresh = applicant.freshness == dns::Freshness::fresh;
  const EntryKey entry{applicant.entry, applicant.freshness};
  if (fresh && fresh_ >= limits.requeries) return {nullptr, Bound::requeries};
  if (!fresh && in_flight_.size() - fresh_ >= limits.lookups) return {nullptr, Bound::lookups};
  if (client && count_of(by_client_, *client) >= limits.lookups_per_client) return {nullptr, Bound::lookups_per_client};
  if (count_of(by_entry_, entry) >= limits.lookups_per_entry) return {nullptr, Bound::lookups_per_entry};

  // All that can throw comes before the counting: a lease takes back exactly what was counted for it.
  auto held = std::make_shared<Held>(shared_from_this(), key, client, applicant.entry);
  auto& entry_count = by_entry_[entry];
  auto* const client_count = client ? &by_client_[*client] : nullptr;
  in_flight_[key] = held;
  held->counted = true;
  ++entry_count;
  if (fresh) ++fresh_;
  if (client_count) ++*client_count;
  return {std::move(held)};
}

void LookupGate::release(const Held& held) noexcept {
  in_flight_.erase(held.key);
  if (held.key.second == dns::Freshness::fresh) --fresh_;
  if (const auto count = by_entry_.find({held.entry, held.key.second});
      count != by_entry_.end() && --count->second == 0)
    by_entry_.erase(count);
  if (!held.client) return;
  if (const auto count = by_client_.find(*held.client); count != by_client_.end() && --count->second == 0)
    by_client_.erase(count);
}

} // namespace danegate::service
