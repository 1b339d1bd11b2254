#include "daemon/config/load_parts.h"

#include "daemon/config/units.h"

#include <fmt/format.h>

namespace danegate::config {

namespace {

/// A refresh begins when three quarters of an answer's life are over (core/roster.h): all names have to be asked within
/// that time, or some expire before their turn comes.
constexpr std::int64_t usable_numerator = 3, usable_denominator = 4;

std::int64_t rounded_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

void check_rate(const Loading& loading, std::size_t names, const RosterSettings& settings) {
  const auto max_ttl = settings.limits.ttl.max_ttl.count();
  const auto rate = static_cast<std::int64_t>(settings.refresh_per_second);
  const auto count = static_cast<std::int64_t>(names);
  const auto needed = rounded_up(count, rate);
  const auto usable = max_ttl * usable_numerator / usable_denominator;
  if (needed <= usable) return;
  const auto& section = loading.document.table("dns");
  loading.diagnostics.error(
      section.place(section.is_set("refresh-per-second") ? "refresh-per-second" : "max-ttl"),
      fmt::format(
          "the rules name {} owner names in full: at dns.refresh-per-second = {} one round takes {} / {} = {} s, "
          "but answers have to be refreshed within {} s (3/4 of dns.max-ttl = {}); set dns.refresh-per-second to "
          "{} or more, or dns.max-ttl to \"{}s\" or more",
          count, rate, count, rate, needed, usable, format_duration(std::chrono::seconds(max_ttl)),
          rounded_up(count, std::max<std::int64_t>(usable, 1)),
          rounded_up(needed * usable_denominator, usable_numerator)));
}

} // namespace

RosterSettings load_roster(const Loading& loading, const core::CacheLimits& cache, const Limits& limits) {
  const auto& section = loading.document.table("dns");
  RosterSettings roster;
  roster.refresh_per_second = static_cast<std::size_t>(section.number("refresh-per-second"));
  roster.limits = {.ttl = cache,
                   .records_per_name = limits.records_per_name,
                   .signature_warning =
                       std::chrono::duration_cast<std::chrono::seconds>(section.duration("signature-warning")),
                   .lead = 2 * section.duration("timeout")};
  return roster;
}

std::shared_ptr<const core::RosterPlan> load_roster_plan(const Loading& loading, const core::RuleSet& rules,
                                                         const RosterSettings& settings,
                                                         const std::shared_ptr<const core::RosterPlan>& previous) {
  auto plan = core::RosterPlan::make(rules, loading.environment.ports, previous);
  if (!plan) {
    loading.diagnostics.error(loading.document.table("dns").place(), plan.error());
    return nullptr;
  }
  check_rate(loading, (*plan)->names(), settings);
  if (loading.diagnostics.failed()) return nullptr;
  return std::move(*plan);
}

} // namespace danegate::config
