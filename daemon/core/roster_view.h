// What a verdict sees of the roster, read-only. Made for one verdict; every answer holds at the time of the call.
#pragma once

#include "daemon/core/evidence.h"
#include "daemon/core/owner_names.h"
#include "daemon/core/rules.h"
#include "daemon/core/tlsa_answer.h"

#include <cstddef>
#include <optional>
#include <vector>

namespace danegate::core {

struct RosterAnswer {
  AnswerPtr answer;
  bool grace = false; ///< it has expired; `dns.grace` lets it serve while its refresh fails
};

/// An owner name whose records hold a digest of the evidence. Only match() can say whether they match.
struct RosterCandidate {
  OwnerName name;
  RosterAnswer held;
};

struct RosterCandidates {
  std::vector<RosterCandidate> found;
  /// Names whose records held a digest of the evidence, and that are not known at the time of this call. doubt() is
  /// another call, at a time that need not be later: the clock may have been set in between.
  std::vector<OwnerName> lapsed;
  bool more = false; ///< so many names share the digest that not all were looked at
};

/// Of the names that count for one rule in one service.
struct RosterDoubt {
  std::size_t unresolved = 0;          ///< not known, or expired
  Reason reason = Reason::dns_failure; ///< of the failure that came last: dns_failure or dns_timeout
};

class RosterView {
public:
  RosterView() = default;
  RosterView(const RosterView&) = delete;
  RosterView& operator=(const RosterView&) = delete;
  virtual ~RosterView() = default;

  /// nullopt: the roster does not hold a valid answer for this name.
  virtual std::optional<RosterAnswer> find(const DnsName& owner) const = 0;

  virtual RosterCandidates candidates(const Evidence& evidence) const = 0;

  /// `rule` and `service` are of the rule set that the verdict began with.
  virtual RosterDoubt doubt(const Rule& rule, const Service& service) const = 0;
};

} // namespace danegate::core
