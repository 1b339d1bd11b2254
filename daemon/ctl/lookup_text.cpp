#include "daemon/core/overloaded.h"
#include "daemon/ctl/lookup_report.h"
#include "daemon/ctl/presentation.h"

#include <fmt/format.h>

#include <algorithm>

namespace danegate::ctl {

namespace {

constexpr std::size_t max_data = 128; // hexadecimal digits shown: SHA-512; JSON has all of a certificate

Tone tone_of(const core::TlsaAnswer& answer) noexcept {
  return std::visit(core::Overloaded{
                        [](const core::Secure&) { return Tone::good; },
                        [](const core::Absent&) { return Tone::doubtful; },
                        [](const core::Insecure&) { return Tone::doubtful; },
                        [](const core::Bogus&) { return Tone::bad; },
                        [](const core::Failed&) { return Tone::bad; },
                    },
                    answer.outcome);
}

std::string signatures_text(const core::TlsaAnswer& answer, std::chrono::sys_seconds now) {
  if (!answer.signatures_end) return {};
  const auto left = *answer.signatures_end - now;
  if (left.count() <= 0) return fmt::format(", signatures ended {}", utc(*answer.signatures_end));
  return fmt::format(", signatures end {}, in {}", utc(*answer.signatures_end), about(left));
}

std::string state_line(const core::TlsaAnswer& answer, std::chrono::sys_seconds now, const Style& style) {
  auto line = style.paint(tone_of(answer), core::state_of(answer));
  if (core::is_definite(answer)) line += fmt::format(", ttl {}", answer.ttl.count());
  std::visit(core::Overloaded{
                 [&](const core::Secure& secure) {
                   line += signatures_text(answer, now);
                   if (secure.wildcard == core::Wildcard::below_underscore)
                     line += ", by a wildcard below an underscore label";
                   if (secure.malformed > 0) line += fmt::format(", {} malformed", secure.malformed);
                 },
                 [&](const core::Bogus& bogus) { line += ": " + printable(bogus.why); },
                 [&](const core::Failed& failed) { line += ": " + printable(failed.why); },
                 [&](const core::Absent&) { line += ": DNS proves that there is no record"; },
                 [&](const core::Insecure&) { line += ": the zone is not signed, and its records do not count"; },
             },
             answer.outcome);
  return line;
}

/// Servers that have the same to say of a record, in one line; `why` empty: those that can judge it.
std::string servers_with(const WhyNot& record, std::string_view why) {
  std::string servers;
  for (std::size_t i = 0; i < record.size(); ++i)
    if (record[i] == why) servers += fmt::format("{}{}", servers.empty() ? "" : ", ", words(every_shown[i]));
  return servers;
}

std::string usability_lines(const WhyNot& record, const Style& style) {
  std::string lines;
  if (const auto servers = servers_with(record, {}); !servers.empty())
    lines += fmt::format("      {}: {}\n", style.paint(Tone::good, "usable"), servers);
  for (auto why = record.begin(); why != record.end(); ++why) {
    if (why->empty() || std::find(record.begin(), why, *why) != why) continue;
    const auto servers = servers_with(record, *why);
    lines += fmt::format("      {}: {}\n        {}\n", style.paint(Tone::doubtful, "unusable"), servers, *why);
  }
  return lines;
}

std::string record_lines(const LookupAnswer& answer, const Style& style) {
  const auto* const secure = std::get_if<core::Secure>(&answer.answer->outcome);
  if (!secure) return {};
  std::string lines;
  for (std::size_t i = 0; i < secure->records.size(); ++i) {
    const auto text = presentation(secure->records[i]);
    const auto fields = text.rfind(' ') + 1;
    lines += fmt::format("    {}{}\n", text.substr(0, fields + max_data), text.size() > fields + max_data ? "..." : "");
    lines += usability_lines(answer.usability[i], style);
  }
  return lines;
}

} // namespace

std::string lookup_as_text(const LookupReport& report, const Style& style) {
  std::string out;
  for (const auto& answer : report.answers) {
    out += style.paint(Tone::strong, answer.name.name.owner.text());
    for (const auto& from : answer.name.from)
      if (from != "as given") out += fmt::format("\n    {}", style.paint(Tone::quiet, from));
    out += fmt::format("\n  {}\n", state_line(*answer.answer, report.now, style));
    if (const auto but = caveat(answer, report.max_records); !but.empty())
      out += fmt::format("  {}: {}\n", style.paint(Tone::doubtful, "but"), but);
    out += record_lines(answer, style);
  }
  return out;
}

} // namespace danegate::ctl
