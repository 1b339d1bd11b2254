#include "daemon/ctl/provision_report.h"

#include "daemon/ctl/presentation.h"

#include <fmt/format.h>

#include <algorithm>

namespace danegate::ctl {

namespace {

/// How long a TLS session, which remembers the key that began it, can be resumed: smtp_tls_session_cache_timeout. From
/// its last use on: a resumed one of TLS 1.3 is stored anew (RFC 8446 section 4.6.1).
constexpr std::chrono::seconds session_lifetime{3600};

/// `postfix reload` empties the cache of sessions as well, but deliveries that are under way fill it again with theirs.
constexpr std::string_view restart = "postfix stop && postfix start";

bool has(const ProvisionReport& report, KeyRole role) {
  return std::ranges::any_of(report.keys, [role](const ProvisionedKey& key) { return key.role == role; });
}

void add_lines(std::string& out, std::string_view heading, const std::vector<std::string>& lines, const Style& style,
               std::string_view indent) {
  out += fmt::format("\n{}\n", style.paint(Tone::strong, heading));
  for (const auto& line : lines)
    out += fmt::format("{}{}\n", indent, line);
}

std::string key_line(const ProvisionedKey& key) {
  return fmt::format("  {:<8}{}{}\n", token(key.role), key.file, key.made ? "  (made now)" : "");
}

std::vector<std::string> records(const ProvisionReport& report, bool old) {
  std::vector<std::string> lines;
  for (const auto& key : report.keys)
    if ((key.role == KeyRole::old) == old) lines.push_back(zone_line(report.owner, report.ttl, key.record));
  return lines;
}

std::vector<std::string> first_steps(const ProvisionReport& report) {
  return {"Publish the record. The zone has to be signed (DNSSEC).",
          fmt::format("See it published: danegate verify --name {} --cert {}", report.owner.text(),
                      report.keys.front().file),
          fmt::format("Put the lines into main.cf, and restart Postfix: {}", restart),
          fmt::format("Before the key is to change: {} --next", report.command)};
}

std::vector<std::string> next_steps(const ProvisionReport& report) {
  return {"Publish both records.",
          fmt::format("Wait {}: two TTLs (RFC 7671 section 8), until nobody remembers the old answer.",
                      about(2 * report.ttl)),
          fmt::format("Switch over, main.cf stays as it is: {} --switch && {}", report.command, restart)};
}

std::vector<std::string> switched_steps(const ProvisionReport& report) {
  return {fmt::format("Now restart Postfix: {}", restart),
          "A reload is not enough: TLS sessions that the old key began may outlive it, and each use prolongs them.",
          fmt::format("Wait {}: what the old key began is over then.", about(std::max(report.ttl, session_lifetime))),
          "Remove the old record from the zone, then the old file."};
}

} // namespace

std::string_view token(KeyRole role) noexcept {
  switch (role) {
  case KeyRole::current: return "current";
  case KeyRole::next: return "next";
  case KeyRole::old: return "old";
  }
  return "";
}

std::vector<std::string> main_cf_lines(const ProvisionReport& report) {
  return {fmt::format("smtp_tls_chain_files = {}", report.keys.front().file), "smtp_tls_security_level = may",
          fmt::format("smtp_helo_name = {}", report.name.text())};
}

std::vector<std::string> tell_lines(const ProvisionReport& report) {
  std::vector<std::string> lines{
      fmt::format("Our server says EHLO {} and shows over TLS the key that is published at", report.name.text()),
      fmt::format("{} (TLSA 3 1 1, signed with DNSSEC).", report.owner.text()),
      fmt::format("In your danegate.toml, in a rule for our senders: identities = [\"{}\"]", report.name.text())};
  if (report.raw_key)
    lines.emplace_back("It shows a raw public key where Postfix 3.9 or later asks: smtpd_tls_enable_rpk = yes.");
  return lines;
}

std::vector<std::string> step_lines(const ProvisionReport& report) {
  if (has(report, KeyRole::next)) return next_steps(report);
  return report.switched ? switched_steps(report) : first_steps(report);
}

std::string provision_as_text(const ProvisionReport& report, const Style& style) {
  auto out = style.paint(Tone::strong,
                         fmt::format("Keys of {} (EC P-256, secret, each with a certificate):", report.name.text())) +
             '\n';
  for (const auto& key : report.keys)
    out += key_line(key);
  if (!report.switched && std::ranges::any_of(report.keys, &ProvisionedKey::made))
    out += "  The certificate signs itself and has no end. With usage 3 its dates and names do not\n"
           "  count: the signatures of the zone say how long a key is good (RFC 7671 section 5.1).\n";
  add_lines(out, "To be published:", records(report, false), style, "");
  if (has(report, KeyRole::old))
    add_lines(out, report.switched ? "Published still, to be removed later:" : "May go, if nothing uses the old key:",
              records(report, true), style, "");
  if (!report.switched) {
    add_lines(out, "In main.cf of the sending Postfix (3.4 or later; smtp_tls_security_level may be stricter):",
              main_cf_lines(report), style, "");
    if (!has(report, KeyRole::next)) add_lines(out, "For the other side:", tell_lines(report), style, "  ");
  }
  out += fmt::format("\n{}\n", style.paint(Tone::strong, "Steps:"));
  std::size_t number = 0;
  for (const auto& step : step_lines(report))
    out += fmt::format("  {}. {}\n", ++number, step);
  return out;
}

} // namespace danegate::ctl
