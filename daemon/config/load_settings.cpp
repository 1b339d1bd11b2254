#include "daemon/config/load_parts.h"

#include "daemon/config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace danegate::config {

namespace {

std::size_t count(const Section& section, std::string_view key) {
  return static_cast<std::size_t>(section.number(key));
}

std::chrono::seconds seconds(const Section& section, std::string_view key) {
  return std::chrono::duration_cast<std::chrono::seconds>(section.duration(key));
}

/// "dns.min-ttl (10m)" or "dns.max-ttl (1h, the default)".
std::string naming(const Section& section, std::string_view key) {
  return fmt::format("{}.{} ({}{})", section.table(), key, format_duration(section.duration(key)),
                     section.is_set(key) ? "" : ", the default");
}

/// What authserv-id may consist of, so that it needs no quoting in a header field (RFC 8601 section 2.2, token).
bool is_header_word(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_';
  });
}

std::optional<core::DnsName> default_origin(const Environment& environment) {
  if (auto name = core::DnsName::parse(environment.mail_origin, environment.ports.to_ascii)) return std::move(*name);
  const auto host = core::DnsName::parse(environment.host_name, environment.ports.to_ascii);
  return host ? host->parent() : std::nullopt;
}

/// The default is Postfix's group. Where there is none, nobody would be let in by it, and a daemon that only Sendmail
/// or Exim asks need not fail for it.
std::string socket_group(const Loading& loading, std::string_view table, bool has_unix_socket) {
  const auto& section = loading.document.table(table);
  if (section.is_set("socket-group") || loading.environment.has_postfix_group) return section.text("socket-group");
  if (has_unix_socket)
    loading.diagnostics.warn(section.place("socket-group"), "socket-own-group",
                             fmt::format("{}.socket-group is not set, and there is no group postfix here: the socket "
                                         "is for our own group alone",
                                         table));
  return {};
}

bool is_unix(const Listen& listen) noexcept {
  return listen.kind == Listen::Kind::unix_socket;
}

struct AtMost {
  std::string_view low_table, low, high_table, high;
  bool equal_allowed;
};

constexpr std::array<AtMost, 3> duration_relations{{
    {"dns", "timeout", "limits", "deadline", false},
    {"dns", "min-ttl", "dns", "max-ttl", true},
    {"dns", "min-ttl", "dns", "negative-max-ttl", true},
}};

} // namespace

ServerSettings load_server(const Loading& loading) {
  const auto& section = loading.document.table("server");
  ServerSettings server;
  server.user = section.text("user");
  server.state = section.text("state");
  server.control = load_control(loading.document, loading.diagnostics);
  server.authserv_id = section.has("authserv-id") ? section.text("authserv-id") : loading.environment.host_name;
  if (!is_header_word(server.authserv_id))
    loading.diagnostics.error(
        section.place("authserv-id"),
        fmt::format("server.authserv-id: expected a host name, found \"{}\"", server.authserv_id));
  if (!section.has("origin")) {
    server.origin = default_origin(loading.environment);
    if (!server.origin && !section.broken())
      loading.diagnostics.warn(section.place("origin"), "origin-unknown",
                               "server.origin is not set, and neither Postfix's myorigin nor this host's name gives a "
                               "domain: senders without a domain will not be in any");
    return server;
  }
  auto origin = core::DnsName::parse(section.text("origin"), loading.environment.ports.to_ascii);
  if (origin)
    server.origin = std::move(*origin);
  else
    loading.diagnostics.error(section.place("origin"),
                              fmt::format("server.origin: expected a domain name, found \"{}\": {}",
                                          section.text("origin"), describe(origin.error())));
  return server;
}

PolicySettings load_policy(const Loading& loading) {
  const auto& section = loading.document.table("policy");
  PolicySettings policy;
  for (const auto& item : section.list("listen")) {
    auto listen = parse_listen(item.text);
    if (!listen)
      loading.diagnostics.error(item.place, fmt::format("policy.listen: {}, found \"{}\"", listen.error(), item.text));
    else if (std::ranges::find(policy.listen, *listen) != policy.listen.end())
      loading.diagnostics.error(item.place, fmt::format("policy.listen: \"{}\" stands there twice", item.text));
    else
      policy.listen.push_back(std::move(*listen));
  }
  policy.socket_mode = static_cast<std::uint32_t>(section.number("socket-mode"));
  policy.socket_group = socket_group(loading, "policy", std::ranges::any_of(policy.listen, is_unix));
  policy.header_always = section.text("header") == "always";
  policy.trust_inet = section.boolean("trust-inet");
  policy.idle_timeout = seconds(section, "idle-timeout");
  return policy;
}

MilterSettings load_milter(const Loading& loading) {
  const auto& section = loading.document.table("milter");
  MilterSettings milter;
  if (section.has("listen")) {
    auto listen = parse_listen(section.text("listen"));
    const auto& others = loading.document.table("policy").list("listen");
    if (!listen)
      loading.diagnostics.error(section.place("listen"),
                                fmt::format("milter.listen: {}, found \"{}\"", listen.error(), section.text("listen")));
    else if (std::ranges::find(others, section.text("listen"), &Item::text) != others.end())
      loading.diagnostics.error(
          section.place("listen"),
          fmt::format("milter.listen: policy.listen names \"{}\" already", section.text("listen")));
    else
      milter.listen = std::move(*listen);
  }
  if (!section.has("listen") && loading.document.table("policy").list("listen").empty())
    loading.diagnostics.error(loading.document.table("policy").place("listen"),
                              "policy.listen: empty, and there is no milter.listen: nobody could ask");
  milter.socket_mode = static_cast<std::uint32_t>(section.number("socket-mode"));
  milter.socket_group = socket_group(loading, "milter", milter.listen && is_unix(*milter.listen));
  milter.remove_all = section.text("remove") == "all";
  return milter;
}

Limits load_limits(const Loading& loading) {
  const auto& section = loading.document.table("limits");
  return {
      .deadline = section.duration("deadline"),
      .lookups = count(section, "lookups"),
      .lookups_per_client = count(section, "lookups-per-client"),
      .lookups_per_entry = count(section, "lookups-per-entry"),
      .names_per_request = count(section, "names-per-request"),
      .records_per_name = count(section, "records-per-name"),
      .requeries = count(section, "requeries"),
      .waiting_per_client = count(section, "waiting-per-client"),
      .waited_per_client = section.duration("waited-per-client"),
      .policy_connections = count(section, "policy-connections"),
      .request_bytes = count(section, "request-bytes"),
      .milter_connections = count(section, "milter-connections"),
      .milter_verdicts = count(section, "milter-verdicts"),
  };
}

LogSettings load_log(const Loading& loading) {
  constexpr std::array<std::pair<std::string_view, LogLevel>, 4> levels{{{"debug", LogLevel::debug},
                                                                         {"info", LogLevel::info},
                                                                         {"warning", LogLevel::warning},
                                                                         {"error", LogLevel::error}}};
  const auto& section = loading.document.table("log");
  LogSettings log;
  for (const auto& [word, level] : levels)
    if (word == section.text("level")) log.level = level;
  log.json = section.text("format") == "json";
  log.syslog = section.text("target") == "syslog";
  return log;
}

MetricsSettings load_metrics(const Loading& loading) {
  const auto& section = loading.document.table("metrics");
  MetricsSettings metrics;
  if (!section.has("listen")) return metrics;
  const auto& text = section.text("listen");
  const auto report = [&](std::string_view what) {
    loading.diagnostics.error(section.place("listen"), fmt::format("metrics.listen: {}", what));
  };
  auto listen = parse_listen(text);
  const auto& policy = loading.document.table("policy").list("listen");
  const auto& milter = loading.document.table("milter");
  if (!listen)
    report(fmt::format("{}, found \"{}\"", listen.error(), text));
  else if (std::ranges::find(policy, text, &Item::text) != policy.end())
    report(fmt::format("policy.listen names \"{}\" already", text));
  else if (milter.has("listen") && milter.text("listen") == text)
    report(fmt::format("milter.listen names \"{}\" already", text));
  else
    metrics.listen = std::move(*listen);
  return metrics;
}

core::CacheLimits load_cache(const Loading& loading) {
  const auto& section = loading.document.table("dns");
  core::CacheLimits cache;
  cache.entries = count(section, "cache-entries");
  cache.min_ttl = seconds(section, "min-ttl");
  cache.max_ttl = seconds(section, "max-ttl");
  cache.negative_max_ttl = seconds(section, "negative-max-ttl");
  cache.grace = seconds(section, "grace");
  return cache;
}

void check_relations(const Loading& loading) {
  for (const auto& relation : duration_relations) {
    const auto& low = loading.document.table(relation.low_table);
    const auto& high = loading.document.table(relation.high_table);
    const auto a = low.duration(relation.low);
    const auto b = high.duration(relation.high);
    if (a < b || (relation.equal_allowed && a == b)) continue;
    const auto& place = low.is_set(relation.low) ? low.place(relation.low) : high.place(relation.high);
    loading.diagnostics.error(place, fmt::format("{} must {} {}", naming(low, relation.low),
                                                 relation.equal_allowed ? "not exceed" : "be less than",
                                                 naming(high, relation.high)));
  }
}

} // namespace danegate::config
