#include "daemon/dns/anchor_health.h"

#include <algorithm>

namespace danegate::dns {

namespace {

/// libunbound's words for a signature outside its dates; they have not changed since 1.4.
bool is_about_dates(std::string_view why) noexcept {
  return why.contains("signature expired") || why.contains("before inception");
}

std::string zone_text(const std::string& owner) {
  return owner == "." ? "the root zone" : "zone " + owner;
}

} // namespace

std::string_view describe(AnchorHealth health) noexcept {
  switch (health) {
  case AnchorHealth::ok: return "ok";
  case AnchorHealth::network: return "network";
  case AnchorHealth::clock: return "clock";
  case AnchorHealth::anchor: return "anchor";
  }
  return "anchor"; // not an AnchorHealth: never ok
}

AnchorCheck judge_anchor(const std::string& owner, const UnboundReply& reply) {
  const auto zone = zone_text(owner);
  const auto why = reply.why_bogus.substr(0, max_why);
  if (!reply.error.empty()) return {owner, AnchorHealth::network, "no answer about " + zone + ": " + reply.error};
  if (reply.bogus && is_about_dates(why))
    return {owner, AnchorHealth::clock,
            "the signatures of " + zone + " are not valid now: is this machine's clock right? (" + why + ")"};
  if (reply.bogus)
    return {owner, AnchorHealth::anchor,
            "the keys of " + zone + " do not fit its trust anchor: is the anchor out of date? (" + why + ")"};
  if (reply.rcode != 0)
    return {owner, AnchorHealth::network,
            "no usable answer about " + zone + ": is the network up, and port 53 or the upstream reachable?"};
  if (reply.secure && reply.havedata) return {owner, AnchorHealth::ok, "the trust anchor of " + zone + " works"};
  return {owner, AnchorHealth::anchor,
          "the trust anchor of " + zone + " has no effect: libunbound may not know its algorithm"};
}

bool SelfTestReport::ok() const noexcept {
  return std::ranges::all_of(anchors, [](const AnchorCheck& check) { return check.health == AnchorHealth::ok; });
}

} // namespace danegate::dns
