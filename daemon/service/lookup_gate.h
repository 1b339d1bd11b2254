// Counts lookups that occupy the resolver: in all, per client address (/64 for IPv6) and per list entry.
//
// Re-queries, which keep stale answers from refusing mail, have a reserve of their own, in all and per list entry: a
// flood of names cannot starve them. For a client they count as his other lookups do.
//
// A lease is held by the resolver for as long as the lookup goes on there, which may be long after its waiter was told
// that time is up. Equal lookups in flight are one for the resolver, and so for the limits: whoever joins one shares
// its lease and costs nothing, or a partner's fifty connections after a restart would be turned away for one name.
// Leases keep the gate alive; all of it on the loop's thread.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/ip_address.h"
#include "daemon/core/rules.h"
#include "daemon/dns/tlsa_source.h"
#include "daemon/service/bounds.h"

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace danegate::service {

class LookupGate : public std::enable_shared_from_this<LookupGate> {
public:
  struct Applicant {
    const core::DnsName& name;
    dns::Freshness freshness;
    const std::optional<core::IpAddress>& client;
    core::ListEntry entry; ///< that admitted the name
  };

  struct Admission {
    dns::Lease lease; ///< null: refused
    Bound limit{};    ///< then, the bound that was met
  };

  Admission admit(const Applicant& applicant, const config::Limits& limits);

  std::size_t in_flight() const noexcept { return in_flight_.size(); }

  /// Re-queries among them.
  std::size_t requeries() const noexcept { return fresh_; }

private:
  struct Held;
  using Key = std::pair<core::DnsName, dns::Freshness>;
  using EntryKey = std::pair<core::ListEntry, dns::Freshness>;

  void release(const Held& held) noexcept;

  std::map<Key, std::weak_ptr<void>> in_flight_;
  std::size_t fresh_ = 0;                            ///< re-queries among them
  std::map<core::IpAddress, std::size_t> by_client_; ///< by IpAddress::client_key()
  std::map<EntryKey, std::size_t> by_entry_;
};

} // namespace danegate::service
