#include "daemon/dns/unbound_options.h"

#include "daemon/dns/trust_anchors.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace danegate::dns {

namespace {

std::string address_of(const core::Upstream& server) {
  return server.address + "@" + std::to_string(server.port);
}

std::string seconds_of(std::chrono::seconds duration) {
  return std::to_string(std::max(duration, std::chrono::seconds(1)).count()); // 0 would mean something else
}

bool is_loopback(const core::Upstream& server) {
  return server.loopback;
}

/// Whether some server that the operator named may be on this machine. Otherwise no zone on the Internet gets to send
/// our queries to our own loopback.
bool needs_loopback(const core::ResolverSettings& settings) {
  return settings.system_resolvers || std::ranges::any_of(settings.upstream, is_loopback) ||
         std::ranges::any_of(settings.stub_zones,
                             [](const core::StubZone& stub) { return std::ranges::any_of(stub.servers, is_loopback); });
}

/// What does not depend on the settings. libunbound's own defaults are those of a small program with a few queries.
constexpr std::array<std::pair<std::string_view, std::string_view>, 20> fixed_options{{
    {"module-config:", "validator iterator"},
    {"val-permissive-mode:", "no"},
    {"harden-dnssec-stripped:", "yes"},
    {"serve-expired:", "no"},
    {"val-bogus-ttl:", "30"},
    // A name that was not asked before is asked at its servers, never denied out of what is known about its neighbours:
    // a record published a minute ago must be found.
    {"aggressive-nsec:", "no"},
    {"harden-below-nxdomain:", "no"},
    // Each query under way holds a socket of its own. With the default of 16, a hundred lookups at silent servers kept
    // everybody else's from being sent at all (measured).
    {"outgoing-range:", "1024"},
    {"outgoing-num-tcp:", "64"},
    // A dead server is given up within 8 s, and asked again 15 s later; the defaults are 3 and 15 minutes. What is left
    // is still longer than dns.timeout, so silence shows as a timeout of ours (measured: 5.3 s and 7.7 s).
    {"infra-cache-max-rtt:", "3000"},
    {"infra-host-ttl:", "15"},
    {"msg-cache-size:", "16m"},
    {"rrset-cache-size:", "32m"},
    {"key-cache-size:", "8m"},
    {"neg-cache-size:", "2m"},
    // Zones that libunbound would deny out of its own head: private zones live there, and the root denies the others
    // with a proof. (localhost and onion stay: nobody is to be asked about those.)
    {"unblock-lan-zones:", "yes"},
    {"local-zone:", "home.arpa. transparent"},
    {"local-zone:", "test. transparent"},
    {"local-zone:", "invalid. transparent"},
    {"use-syslog:", "no"},
}};

/// unbound.conf syntax. Addresses and names have passed core's parsers: nothing in them needs quoting.
std::string forward_over_tls(const std::vector<core::Upstream>& servers) {
  std::string text = "forward-zone:\n  name: \".\"\n  forward-tls-upstream: yes\n";
  for (const auto& server : servers) {
    text += "  forward-addr: " + address_of(server);
    if (!server.tls_name.empty()) text += "#" + server.tls_name;
    text += "\n";
  }
  return text;
}

} // namespace

UnboundOptions make_options(const core::ResolverSettings& settings) {
  UnboundOptions made;
  for (const auto& [option, value] : fixed_options)
    made.options.emplace_back(option, value);
  // In libunbound these two are one for the whole process, however many contexts set them.
  made.options.emplace_back("cache-max-ttl:", seconds_of(settings.max_ttl));
  made.options.emplace_back("cache-max-negative-ttl:", seconds_of(settings.negative_max_ttl));
  made.options.emplace_back("do-not-query-localhost:", needs_loopback(settings) ? "no" : "yes");

  for (const auto& stub : settings.stub_zones)
    for (const auto& server : stub.servers)
      made.stubs.emplace_back(stub.zone, address_of(server));

  const bool tls = std::ranges::any_of(settings.upstream, &core::Upstream::tls);
  if (tls) {
    made.options.emplace_back("tls-system-cert:", "yes");
    made.tls_forwards = forward_over_tls(settings.upstream);
  } else {
    for (const auto& server : settings.upstream)
      made.forwards.push_back(address_of(server));
  }
  return made;
}

} // namespace danegate::dns
