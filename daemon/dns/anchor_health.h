// Do the configured trust anchors work? What the answer to an anchor zone's own DNSKEY query says about the network,
// the clock and the anchor. Pure.
#pragma once

#include "daemon/dns/unbound_answer.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::dns {

enum class AnchorHealth : std::uint8_t {
  ok,
  network, ///< no server of the zone gave a usable answer in time
  clock,   ///< signatures are expired or not yet valid; the clock is the usual culprit
  anchor,  ///< the zone's keys do not fit the anchor, or libunbound ignores it
};

/// Log word.
std::string_view describe(AnchorHealth health) noexcept;

struct AnchorCheck {
  std::string owner; ///< the zone; "." for the root
  AnchorHealth health;
  std::string message; ///< one sentence for the log; may quote the zone
};

/// `reply` answers a DNSKEY query for `owner`. No answer in time: a reply with rcode SERVFAIL.
AnchorCheck judge_anchor(const std::string& owner, const UnboundReply& reply);

struct SelfTestReport {
  std::vector<AnchorCheck> anchors; ///< one for each zone that has an anchor

  bool ok() const noexcept;
};

} // namespace danegate::dns
