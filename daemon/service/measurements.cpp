#include "daemon/service/measurements.h"

#include "daemon/service/authenticator.h"
#include "daemon/service/overloads.h"
#include "daemon/service/roster_keeper.h"

namespace danegate::service {

Measurements measure(const Authenticator& authenticator, RosterKeeper& roster, const Overloads& overloads) {
  Measurements now;
  now.lookups = authenticator.lookup_counts();
  const auto lookups = authenticator.lookups();
  now.requeries = lookups.requeries;
  now.client_lookups = lookups.claims;
  now.roster_lookups = roster.refreshes();
  now.cache_entries = authenticator.cached_answers();
  now.roster = roster.roster()->counts();
  now.signatures_end = roster.soonest_signature_end(std::chrono::steady_clock::now());
  now.held_off = authenticator.held_off();
  for (std::size_t i = 0; i < now.overloads.size(); ++i)
    now.overloads.at(i) = overloads.count(static_cast<Bound>(i));
  return now;
}

} // namespace danegate::service
