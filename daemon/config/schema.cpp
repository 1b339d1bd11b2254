#include "daemon/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace danegate::config {

namespace {

using enum Type;
using enum Presence;
using enum Reload;

constexpr std::int64_t second = 1000;
constexpr std::int64_t minute = 60 * second;
constexpr std::int64_t hour = 60 * minute;
constexpr std::int64_t day = 24 * hour;

constexpr std::string_view actions = "tag|reject|defer|hold";

// clang-format off
constexpr std::array all_settings{
  Setting{"server", "user", text, has_default, R"("_danegate")", 0, 32, {}, {},
          "account to run as when started as root; empty: stay who we are", {}, restart},
  Setting{"server", "state", path, has_default, R"("/var/lib/danegate")", 0, 4096, {}, {},
          "folder for answers of the roster that survive a restart; empty: none", {}},
  Setting{"server", "authserv-id", text, optional, "this host's name", 1, 253, {}, R"("mx.example.net")",
          "our name in Authentication-Results fields (RFC 8601 section 2.5)", {}},
  Setting{"server", "origin", text, optional, "Postfix's myorigin, else this host's domain", 1, 255, {}, R"("example.net")",
          "domain of senders that have none", {}},
  Setting{"server", "control", text, has_default, R"("unix:/run/danegate/control")", 0, 255, {}, {},
          "where danegate status, cache and reload reach the daemon: a unix socket, for its own user alone; empty: nowhere", {}},

  Setting{"policy", "listen", text_list, has_default, R"(["unix:/var/spool/postfix/danegate/policy"])", 0, 64, {}, {},
          R"(where Postfix asks; also "inet:127.0.0.1:10044", "inet:[::1]:10044"; empty: nobody, the milter alone)", {}},
  Setting{"policy", "socket-mode", octal, has_default, "0o660", 0, 0777, {}, {}, "permissions of unix sockets", {}, restart},
  Setting{"policy", "socket-group", text, has_default, R"("postfix")", 0, 32, {}, {},
          "group of unix sockets; empty: our own", {}, restart},
  Setting{"policy", "header", choice, has_default, R"("never")", 0, 0, "never|always", {},
          "always: prepend Authentication-Results at DATA; forged ones stay in the message", {}},
  Setting{"policy", "trust-inet", boolean, has_default, "false", 0, 0, {}, {},
          "whether evidence from inet listeners may feed the milter", {}},
  Setting{"policy", "idle-timeout", seconds, has_default, R"("1000s")", second, day, {}, {},
          "how long a connection may rest between requests", {}},

  Setting{"milter", "listen", text, optional, "no milter", 1, 255, {}, R"("unix:/var/spool/postfix/danegate/milter")",
          R"(where the mail server's milter client connects; also "inet:127.0.0.1:10045")", {}, refused},
  Setting{"milter", "socket-mode", octal, has_default, "0o660", 0, 0777, {}, {}, "permissions of the socket", {}, restart},
  Setting{"milter", "socket-group", text, has_default, R"("postfix")", 0, 32, {}, {}, "group of the socket; empty: our own", {},
          restart},
  Setting{"milter", "remove", choice, has_default, R"("own")", 0, 0, "own|all", {},
          "incoming fields of our authserv-id that are deleted; own: those that speak of x-dane-client", {}},

  Setting{"lookup", "domains", text_list, has_default, "[]", 0, 10000, {}, {},
          R"(looked up beyond what the rules name; ["*"]: any name, for everybody)", {}},

  Setting{"dns", "trust-anchor-files", path_list, has_default, R"(["/usr/share/dns/root.key"])", 0, 64, {}, {},
          "files of DS or DNSKEY records", {}},
  Setting{"dns", "trust-anchors", text_list, has_default, "[]", 0, 256, {}, {},
          "DS or DNSKEY lines, for private zones", {}},
  Setting{"dns", "auto-trust-anchor-file", path, has_default, R"("")", 0, 4096, {}, {},
          "anchor file kept up to date after RFC 5011; must be writable; empty: off", {}},
  Setting{"dns", "upstream", text_list, has_default, "[]", 0, 64, {}, {},
          R"("192.0.2.1", "127.0.0.1@5353", "tls:192.0.2.1@853#dns.example", "system"; empty: recurse)", {}},
  Setting{"dns", "stub-zones", table_list, has_default, "[]", 0, 1000, {}, {},
          R"([{ zone = "branch.example", servers = ["127.0.0.1@5300"] }])", {}},
  Setting{"dns", "timeout", duration, has_default, R"("4s")", 100, minute, {}, {}, "for one lookup", {}},
  Setting{"dns", "min-ttl", seconds, has_default, R"("30s")", second, day, {}, {},
          "answers are kept at least that long", {}},
  Setting{"dns", "max-ttl", seconds, has_default, R"("1h")", second, 7 * day, {}, {},
          "and at most that long: a removed record revokes within this time", {}},
  Setting{"dns", "negative-max-ttl", seconds, has_default, R"("5m")", second, day, {}, {},
          "the same for proven denials", {}},
  Setting{"dns", "grace", seconds, has_default, R"("0s")", 0, 7 * day, {}, {},
          "how long the last secure answer serves while a zone's servers cannot be reached", {}},
  Setting{"dns", "refresh-per-second", count, has_default, "50", 1, 5000, {}, {},
          "identities that the rules name in full are resolved ahead, and again before their TTL ends, at this rate", {}},
  Setting{"dns", "signature-warning", seconds, has_default, R"("2d")", 0, 30 * day, {}, {},
          "warn of such an identity when its signatures end within this time", {}},
  Setting{"dns", "cache-entries", count, has_default, "100000", 1, 10000000, {}, {}, "answers kept", {}},
  Setting{"dns.stub-zones", "zone", text, required, {}, 1, 255, {}, {}, "the zone; names below it go there as well", {}},
  Setting{"dns.stub-zones", "servers", text_list, required, {}, 1, 64, {}, {}, "its servers: address or address@port", {}},

  Setting{"limits", "deadline", duration, has_default, R"("8s")", 500, 10 * minute, {}, {},
          "a verdict is given within this time; less than the mail server's timeout", {}},
  Setting{"limits", "lookups", count, has_default, "512", 1, 65536, {}, {}, "in flight, in all", {}},
  Setting{"limits", "lookups-per-client", count, has_default, "8", 1, 65536, {}, {},
          "in flight, per client address (/64 for IPv6)", {}},
  Setting{"limits", "lookups-per-entry", count, has_default, "32", 1, 65536, {}, {},
          "in flight, per entry of the lookup list", {}},
  Setting{"limits", "names-per-request", count, has_default, "8", 1, 64, {}, {}, "owner names tried for one verdict", {}},
  Setting{"limits", "records-per-name", count, has_default, "64", 1, 4096, {}, {}, "more than these: temperror overload", {}},
  Setting{"limits", "requeries", count, has_default, "64", 1, 4096, {}, {},
          "in flight, in all: cached answers that are asked for again before a refusal; beside lookups", {}},
  Setting{"limits", "waiting-per-client", count, has_default, "64", 1, 65536, {}, {},
          "verdicts that wait for DNS at a time, per client address (/64 for IPv6)", {}},
  Setting{"limits", "waited-per-client", duration, has_default, R"("4m")", second, 60 * minute, {}, {},
          "how long those may wait in a minute, together", {}},
  Setting{"limits", "policy-connections", count, has_default, "4096", 1, 1000000, {}, {}, "open at a time", {}},
  Setting{"limits", "request-bytes", size, has_default, "65536", 4096, 16777216, {}, {}, "of one policy request", {}},
  Setting{"limits", "milter-connections", count, has_default, "4096", 1, 8192, {}, {}, "SMTP sessions in the milter", {}},
  Setting{"limits", "milter-verdicts", count, has_default, "256", 1, 4096, {}, {},
          "that the milter waits for at a time; each has a thread of its own", {}},

  Setting{"log", "level", choice, has_default, R"("info")", 0, 0, "debug|info|warning|error", {}, "verdicts are info", {}},
  Setting{"log", "format", choice, has_default, R"("logfmt")", 0, 0, "logfmt|json", {}, "of every line", {}},
  Setting{"log", "target", choice, has_default, R"("stderr")", 0, 0, "stderr|syslog", {}, "where lines go", {}},

  Setting{"metrics", "listen", text, optional, "no HTTP", 1, 255, {}, R"("inet:127.0.0.1:9144")",
          R"(HTTP for monitoring, without a password: /metrics, /healthz, /readyz; also "unix:/path")", {}},

  Setting{"service", "name", text, required, {}, 1, 64, {}, R"("smtp")",
          "chosen by Postfix's policy_context=NAME; a word in log lines", {}},
  Setting{"service", "ports", port_list, has_default, "[]", 0, 64, {}, "[25]", "or by the port that the client came to", {}},
  Setting{"service", "names", text_list, required, {}, 1, 64, {}, R"(["_smtp-client.{helo}"])",
          "owner-name templates, tried in order", {}},
  Setting{"service", "default", choice, has_default, R"("tag")", 0, 0, actions, {}, "what happens where no rule holds", {}},
  Setting{"service", "mode", choice, has_default, R"("enforce")", 0, 0, "enforce|monitor", {},
          "monitor: nothing is permitted or refused, the log says what would have been", {}},
  Setting{"service", "case", choice, has_default, R"("fold")", 0, 0, "fold|keep", {},
          "letters of local parts before {sender.hash}", {}},

  Setting{"rule", "name", text, required, {}, 1, 64, {}, R"("acme")", "a word in log lines and header fields", {}},
  Setting{"rule", "services", text_list, has_default, "[]", 0, 64, {}, R"(["smtp"])",
          "condition; empty means any, as for all conditions", {}},
  Setting{"rule", "senders", text_list, has_default, "[]", 0, 10000, {}, R"(["acme.example", ".acme.example"])",
          R"(condition: domain, .domain (it and below), address, "<>")", {}},
  Setting{"rule", "from", text_list, has_default, "[]", 0, 10000, {}, R"(["acme.example"])",
          "condition: the header From, as senders without \"<>\"; judged by the milter, besides the envelope's rule", {}},
  Setting{"rule", "recipients", text_list, has_default, "[]", 0, 10000, {}, R"(["postmaster", "abuse"])",
          "condition: as senders; a bare local part is that mailbox at any domain", {}},
  Setting{"rule", "clients", text_list, has_default, "[]", 0, 10000, {}, R"(["192.0.2.0/24"])",
          "condition: networks", {}},
  Setting{"rule", "sasl", boolean, optional, "either", 0, 0, {}, "false", "condition: true: logged in, false: not", {}},
  Setting{"rule", "identities", text_list, has_default, "[]", 0, 10000, {}, R"(["mta1.acme.example", "*.{sender.domain}"])",
          "who satisfies the rule; with identity-files absent too: any authenticated identity", {}},
  Setting{"rule", "identity-files", path_list, has_default, "[]", 0, 64, {}, {}, "more of them, one a line", {}},
  Setting{"rule", "prefetch", boolean, has_default, "false", 0, 0, {}, {},
          "resolve those of the files ahead, too", {}},
  Setting{"rule", "grants", path_list, has_default, "[]", 0, 64, {}, {},
          "files of lines: identity sender-pattern...; who may send as whom", {}},
  Setting{"rule", "on-pass", choice, has_default, R"("tag")", 0, 0, "tag|permit|reject|defer|hold", {},
          "permit: Postfix's OK, which grants relay", {}},
  Setting{"rule", "on-fail", choice, has_default, R"("reject")", 0, 0, actions, {}, "results fail and policy", {}},
  Setting{"rule", "on-none", choice, has_default, R"("reject")", 0, 0, actions, {},
          "no TLS, no certificate, no usable or listed name", {}},
  Setting{"rule", "on-unpublished", choice, has_default, R"("defer")", 0, 0, actions, {}, "no record, or an unsigned zone", {}},
  Setting{"rule", "on-temperror", choice, has_default, R"("defer")", 0, 0, actions, {},
          "temperror and permerror: doubt, or a mistake on our side", {}},
  Setting{"rule", "mode", choice, has_default, R"("enforce")", 0, 0, "enforce|monitor", {},
          "monitor: only logged; the next rule decides", {}},
  Setting{"rule", "text", text, has_default, R"("")", 0, 200, {}, R"("Mail from acme.example must come from its own servers")",
          "of refusals; printable ASCII", {}},
};
// clang-format on

constexpr std::array<std::string_view, 2> table_arrays{"service", "rule"};

} // namespace

std::span<const Setting> settings() noexcept {
  return all_settings;
}

std::span<const Setting> settings_of(std::string_view table) noexcept {
  const auto* const first = std::ranges::find(all_settings, table, &Setting::table);
  const auto* const last =
      std::find_if(first, all_settings.end(), [table](const Setting& s) { return s.table != table; });
  return {first, last};
}

const Setting* find_setting(std::string_view table, std::string_view key) noexcept {
  for (const auto& setting : settings_of(table))
    if (setting.key == key) return &setting;
  return nullptr;
}

bool is_table(std::string_view name) noexcept {
  return !settings_of(name).empty() && !name.contains('.');
}

bool is_table_array(std::string_view name) noexcept {
  return std::ranges::find(table_arrays, name) != table_arrays.end();
}

std::string defaults_of(std::string_view table) {
  std::string document;
  for (const auto& setting : settings_of(table))
    if (setting.presence == has_default && setting.in_this_version())
      document += fmt::format("{} = {}\n", setting.key, setting.standard);
  return document;
}

} // namespace danegate::config
