// The configured trust anchors, read before libunbound sees them.
//
// libunbound takes an empty anchor file for granted (every zone would be "insecure" then), never returns from one that
// is a folder, and reads the files again with every context, when they may have changed or be out of reach. So they are
// read here, once: a file must be regular, at most max_anchor_file octets, and hold at least one DS or DNSKEY record;
// libunbound gets the records line by line. Only the file that it keeps up to date itself (RFC 5011) it reads itself.
#pragma once

#include "daemon/core/resolver_settings.h"

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::dns {

inline constexpr std::size_t max_anchor_file = 1 << 20;

struct TrustAnchor {
  std::string owner; ///< the zone: lower case, no trailing dot; "." for the root
  std::string line;  ///< the record, on one line, its owner absolute

  friend bool operator==(const TrustAnchor&, const TrustAnchor&) = default;
};

/// One setting's worth of anchors.
struct AnchorSource {
  std::string name; ///< for messages: the file, or the line itself
  std::vector<TrustAnchor> anchors;
  bool automatic = false; ///< libunbound's own file: it holds keys that are not to be trusted yet
};

/// The DS and DNSKEY records in zone-file text (RFC 1035 section 5.1), in order. Names without a trailing dot are
/// relative to $ORIGIN, at first the root.
std::vector<TrustAnchor> parse_anchors(std::string_view text);

/// All configured anchors. The error names the file or line that cannot be read or holds none.
std::expected<std::vector<AnchorSource>, std::string> read_anchors(const core::ResolverSettings& settings);

/// The zones that have an anchor, each once, in order.
std::vector<std::string> owners_of(const std::vector<AnchorSource>& sources);

} // namespace danegate::dns
