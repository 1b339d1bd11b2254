#include "daemon/config/load_parts.h"

#include "daemon/config/read_file.h"
#include "daemon/core/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <utility>

namespace danegate::config {

namespace {

constexpr std::uint16_t dns_port = 53;
constexpr std::uint16_t dns_over_tls_port = 853;

constexpr std::string_view server_form = R"(expected a numeric address, or address@port)";
constexpr std::string_view upstream_form =
    R"(expected "address", "address@port", "tls:address@port#name" or "system", with a numeric address)";

bool is_loopback(const core::IpAddress& address) {
  const auto& bytes = address.bytes();
  if (address.is_v4()) return bytes[12] == 127;
  return bytes.back() == 1 && std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t b) { return b == 0; });
}

/// "192.0.2.1", "192.0.2.1@5353", "2001:db8::1@53".
std::optional<core::Upstream> parse_server(std::string_view text, std::uint16_t default_port) {
  core::Upstream upstream;
  upstream.port = default_port;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    const auto port = core::parse_port(text.substr(at + 1));
    if (!port) return std::nullopt;
    upstream.port = *port;
    text = text.substr(0, at);
  }
  const auto address = core::IpAddress::parse(text);
  if (!address) return std::nullopt;
  upstream.address = address->text();
  upstream.loopback = is_loopback(*address);
  return upstream;
}

std::optional<core::Upstream> parse_upstream(std::string_view text, core::ToAscii to_ascii) {
  constexpr std::string_view tls_prefix = "tls:";
  if (!text.starts_with(tls_prefix)) return parse_server(text, dns_port);
  text.remove_prefix(tls_prefix.size());
  std::string name;
  if (const auto hash = text.find('#'); hash != std::string_view::npos) {
    const auto parsed = core::DnsName::parse(text.substr(hash + 1), to_ascii);
    if (!parsed) return std::nullopt;
    name = parsed->text();
    text = text.substr(0, hash);
  }
  auto upstream = parse_server(text, dns_over_tls_port);
  if (!upstream) return std::nullopt;
  upstream->tls = true;
  upstream->tls_name = std::move(name);
  return upstream;
}

void load_upstream(const Loading& loading, core::ResolverSettings& resolver) {
  const auto& list = loading.document.table("dns").list("upstream");
  for (const auto& item : list) {
    if (item.text == "system") {
      resolver.system_resolvers = true;
      continue;
    }
    auto upstream = parse_upstream(item.text, loading.environment.ports.to_ascii);
    if (!upstream)
      loading.diagnostics.error(item.place, fmt::format("dns.upstream: {}, found \"{}\"", upstream_form, item.text));
    else if (!resolver.upstream.empty() && resolver.upstream.front().tls != upstream->tls)
      loading.diagnostics.error(item.place, "dns.upstream: servers with and without \"tls:\" cannot be mixed");
    else
      resolver.upstream.push_back(std::move(*upstream));
  }
  if (resolver.system_resolvers && list.size() > 1)
    loading.diagnostics.error(loading.document.table("dns").place("upstream"),
                              "dns.upstream: \"system\" cannot stand with others");
}

core::StubZone load_stub(const Loading& loading, const Section& section) {
  core::StubZone stub;
  const auto& zone = section.text("zone");
  if (zone == ".") {
    stub.zone = zone;
  } else if (const auto name = core::DnsName::parse(zone, loading.environment.ports.to_ascii)) {
    stub.zone = name->text();
  } else {
    loading.diagnostics.error(
        section.place("zone"),
        fmt::format("dns.stub-zones: expected a zone's name, found \"{}\": {}", zone, describe(name.error())));
  }
  for (const auto& item : section.list("servers")) {
    if (auto server = parse_server(item.text, dns_port))
      stub.servers.push_back(std::move(*server));
    else
      loading.diagnostics.error(item.place, fmt::format("dns.stub-zones: {}, found \"{}\"", server_form, item.text));
  }
  return stub;
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  while (!text.empty()) {
    const auto space = std::min(text.find(' '), text.size());
    if (space > 0) words.push_back(core::ascii_lower(text.substr(0, space)));
    text.remove_prefix(std::min(space + 1, text.size()));
  }
  return words;
}

/// Shape only; libunbound has the last word (`danegate check`, and the self-test at start).
bool is_anchor_line(const std::string& text) {
  constexpr std::ptrdiff_t rdata_words = 4;
  const auto words = words_of(text);
  const auto type = std::ranges::find_if(words, [](const std::string& w) { return w == "ds" || w == "dnskey"; });
  return type != words.begin() && type != words.end() && words.end() - type > rdata_words;
}

void load_anchors(const Loading& loading, core::ResolverSettings& resolver) {
  const auto& section = loading.document.table("dns");
  for (const auto& item : section.list("trust-anchor-files"))
    resolver.trust_anchor_files.push_back(item.text);
  for (const auto& item : section.list("trust-anchors")) {
    if (!is_anchor_line(item.text))
      loading.diagnostics.error(item.place, fmt::format("dns.trust-anchors: expected a DS or DNSKEY record such as "
                                                        "\"branch.example. DS 12345 13 2 0123…\", found \"{}\"",
                                                        item.text));
    resolver.trust_anchors.push_back(item.text);
  }
  resolver.auto_trust_anchor_file = section.text("auto-trust-anchor-file");
  const bool none = resolver.trust_anchor_files.empty() && resolver.trust_anchors.empty();
  if (none && resolver.auto_trust_anchor_file.empty() && !section.broken())
    loading.diagnostics.error(section.place("trust-anchor-files"),
                              "dns.trust-anchor-files and dns.trust-anchors are both empty: without a trust anchor no "
                              "answer is secure");
}

} // namespace

namespace {

/// A file that cannot be read has no digest: the resolver says what is wrong with it. Not that of RFC 5011, which the
/// resolver itself keeps up to date.
std::string digest_anchors(const core::ResolverSettings& resolver, const core::Ports& ports) {
  constexpr std::size_t max_anchor_octets = 1 << 20;
  core::Bytes all;
  for (const auto& file : resolver.trust_anchor_files) {
    const auto text = read_file(file, max_anchor_octets);
    const auto length = text ? std::to_string(text->size()) : std::string("unreadable");
    all.insert(all.end(), length.begin(), length.end());
    all.push_back('\n');
    if (text) all.insert(all.end(), text->begin(), text->end());
  }
  return core::to_hex(ports.hash(core::DigestAlgorithm::sha256, all));
}

} // namespace

core::ResolverSettings load_resolver(const Loading& loading) {
  const auto& section = loading.document.table("dns");
  core::ResolverSettings resolver;
  load_anchors(loading, resolver);
  resolver.anchor_digest = digest_anchors(resolver, loading.environment.ports);
  load_upstream(loading, resolver);
  for (const auto& stub : section.sections("stub-zones")) {
    resolver.stub_zones.push_back(load_stub(loading, stub));
    const auto same = std::ranges::count(resolver.stub_zones, resolver.stub_zones.back().zone, &core::StubZone::zone);
    if (same > 1)
      loading.diagnostics.error(stub.place("zone"),
                                fmt::format("dns.stub-zones: \"{}\" stands there twice", stub.text("zone")));
  }
  const auto cache = load_cache(loading);
  resolver.timeout = section.duration("timeout");
  resolver.min_ttl = cache.min_ttl;
  resolver.max_ttl = cache.max_ttl;
  resolver.negative_max_ttl = cache.negative_max_ttl;
  return resolver;
}

} // namespace danegate::config
