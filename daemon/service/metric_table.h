// The one table of metrics: name, type, labels and what it says. What /metrics serves is made from it, and
// packaging/prometheus/METRICS.md is compared with it by a test, as are the dashboard and the alert rules.
//
// Names follow Prometheus' habits: base units, "_total" for what only grows. Label values are the configuration's names
// or words of our own enums, never a peer's text.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace danegate::service {

enum class Metric : std::uint8_t {
  verdicts,
  verdict_duration,
  lookups,
  lookup_duration,
  lookups_in_flight,
  cache_entries,
  cache_hits,
  cache_misses,
  roster_names,
  roster_signatures_end,
  held_off_domains,
  policy_connections,
  milter_connections,
  milter_messages,
  overload,
  reloads,
  reload_failing,
  log_lines_dropped,
  start_time,
  build_info,
};

enum class MetricType : std::uint8_t { counter, gauge, histogram };

struct MetricInfo {
  Metric metric;
  std::string_view name;
  MetricType type;
  std::string_view labels; ///< separated by commas
  std::string_view help;   ///< one line, for the postmaster
};

// clang-format off
inline constexpr std::array<MetricInfo, 20> metric_table{{
    {Metric::verdicts, "danegate_verdicts_total", MetricType::counter, "service,rule,mode,action,result,reason",
     "Verdict lines in the log; an empty rule is the service's default, mode monitor is what would have happened"},
    {Metric::verdict_duration, "danegate_verdict_duration_seconds", MetricType::histogram, "",
     "How long verdicts took, from the question to the answer"},
    {Metric::lookups, "danegate_lookups_total", MetricType::counter, "outcome",
     "What DNS said to verdicts, to the roster and to probes of held-off domains; overload was not asked, a limit was met"},
    {Metric::lookup_duration, "danegate_lookup_duration_seconds", MetricType::histogram, "",
     "How long DNS took to answer, or not to; without overload"},
    {Metric::lookups_in_flight, "danegate_lookups_in_flight", MetricType::gauge, "kind",
     "Lookups under way: for client names, requery before a refusal, ahead of time for the roster"},
    {Metric::cache_entries, "danegate_cache_entries", MetricType::gauge, "", "Answers in the cache"},
    {Metric::cache_hits, "danegate_cache_hits_total", MetricType::counter, "",
     "Names that a verdict wanted and the cache knew"},
    {Metric::cache_misses, "danegate_cache_misses_total", MetricType::counter, "",
     "Names that a verdict wanted and the cache did not know"},
    {Metric::roster_names, "danegate_roster_names", MetricType::gauge, "state",
     "Owner names of identities that rules name in full, by what is known of them; unresolved ones are doubt"},
    {Metric::roster_signatures_end, "danegate_roster_signatures_end_timestamp_seconds", MetricType::gauge, "",
     "When the first signature over a record of the roster ends; absent where there is none"},
    {Metric::held_off_domains, "danegate_held_off_domains", MetricType::gauge, "",
     "Domains that nothing answers for: names below them are not asked for"},
    {Metric::policy_connections, "danegate_policy_connections", MetricType::gauge, "", "Open connections of policy clients"},
    {Metric::milter_connections, "danegate_milter_connections", MetricType::gauge, "", "SMTP sessions in the milter"},
    {Metric::milter_messages, "danegate_milter_messages", MetricType::gauge, "", "Messages under way in the milter"},
    {Metric::overload, "danegate_overload_total", MetricType::counter, "limit",
     "How often a bound of [limits] was met, and something was refused for it"},
    {Metric::reloads, "danegate_reloads_total", MetricType::counter, "outcome",
     "Configurations that were read again: ok, now in force, or failed, with the old one left in force"},
    {Metric::reload_failing, "danegate_reload_failing", MetricType::gauge, "",
     "1 while the last reload failed and the old configuration is in force"},
    {Metric::log_lines_dropped, "danegate_log_lines_dropped_total", MetricType::counter, "",
     "Log lines that are lost, because the log's reader was too slow or failed"},
    {Metric::start_time, "danegate_start_time_seconds", MetricType::gauge, "", "When danegated was started"},
    {Metric::build_info, "danegate_build_info", MetricType::gauge, "version,compiler", "Always 1; the labels say what runs"},
}};
// clang-format on

constexpr std::string_view token(MetricType type) noexcept {
  switch (type) {
  case MetricType::counter: return "counter";
  case MetricType::gauge: return "gauge";
  case MetricType::histogram: return "histogram";
  }
  return "untyped";
}

static_assert([] {
  for (std::size_t i = 0; i < metric_table.size(); ++i)
    if (static_cast<std::size_t>(metric_table[i].metric) != i) return false;
  return true;
}());

} // namespace danegate::service
