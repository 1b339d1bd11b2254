// How DNS is asked: the `[dns]` settings, read by config/ and obeyed by dns/. Plain data; validated by config/.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace danegate::core {

struct Upstream {
  std::string address; ///< numeric IPv4 or IPv6
  std::uint16_t port = 53;
  std::string tls_name; ///< with tls: the name that the server's certificate must carry; empty: not checked
  bool tls = false;
  bool loopback = false;

  friend bool operator==(const Upstream&, const Upstream&) = default;
};

struct StubZone {
  std::string zone;              ///< canonical, no trailing dot but for the root, which is "."
  std::vector<Upstream> servers; ///< never tls

  friend bool operator==(const StubZone&, const StubZone&) = default;
};

struct ResolverSettings {
  std::vector<std::string> trust_anchor_files; ///< at least one anchor in these two together
  std::vector<std::string> trust_anchors;      ///< DS or DNSKEY lines
  std::string anchor_digest;                   ///< of the files' contents: other keys are another trust
  std::string auto_trust_anchor_file;          ///< RFC 5011; empty: off
  std::vector<Upstream> upstream;              ///< empty and not system: recurse
  bool system_resolvers = false;               ///< those of /etc/resolv.conf
  std::vector<StubZone> stub_zones;
  std::chrono::milliseconds timeout{4000};
  std::chrono::seconds min_ttl{30};
  std::chrono::seconds max_ttl{3600};
  std::chrono::seconds negative_max_ttl{300};

  /// Any difference here makes new resolver contexts and drops every stored answer.
  friend bool operator==(const ResolverSettings&, const ResolverSettings&) = default;
};

} // namespace danegate::core
