#include "daemon/service/metrics.h"

#include "daemon/service/metric_table.h"

#include <initializer_list>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace danegate::service {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using Label = std::pair<std::string_view, std::string_view>;

double seconds_of(std::chrono::duration<double> time) noexcept {
  return time.count();
}

prometheus::MetricType type_of(MetricType type) noexcept {
  switch (type) {
  case MetricType::counter: return prometheus::MetricType::Counter;
  case MetricType::gauge: return prometheus::MetricType::Gauge;
  case MetricType::histogram: return prometheus::MetricType::Histogram;
  }
  return prometheus::MetricType::Untyped;
}

/// One metric's samples, in the library's structures.
class Family {
public:
  explicit Family(const MetricInfo& info) {
    family_.name = info.name;
    family_.help = info.help;
    family_.type = type_of(info.type);
  }

  void add(double value, std::initializer_list<Label> labels = {}) {
    ClientMetric sample;
    for (const auto& [name, text] : labels)
      sample.label.push_back({std::string(name), std::string(text)});
    (family_.type == prometheus::MetricType::Counter ? sample.counter.value : sample.gauge.value) = value;
    family_.metric.push_back(std::move(sample));
  }

  /// The library takes any count; doubles are exact up to 2^53.
  void add(std::uint64_t value, std::initializer_list<Label> labels = {}) { add(static_cast<double>(value), labels); }

  void add(const DurationHistogram& durations) {
    ClientMetric sample;
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < DurationHistogram::bounds.size(); ++i) {
      below += durations.counts().at(i);
      sample.histogram.bucket.push_back({below, seconds_of(DurationHistogram::bounds.at(i))});
    }
    sample.histogram.sample_count = below + durations.counts().back();
    sample.histogram.sample_sum = seconds_of(durations.sum());
    family_.metric.push_back(std::move(sample)); // the serializer adds the range without a bound
  }

  MetricFamily take() { return std::move(family_); }

private:
  MetricFamily family_;
};

void add_verdicts(Family& family, const VerdictCounts::Snapshot& verdicts) {
  for (const auto& series : verdicts.series)
    family.add(series.count, {{"service", series.names->service},
                              {"rule", series.names->rule},
                              {"mode", core::token(series.mode)},
                              {"action", core::token(series.action)},
                              {"result", core::token(core::result_of(series.reason))},
                              {"reason", core::token(series.reason)}});
}

void add_roster(Family& family, const core::RosterCounts& roster) {
  family.add(roster.secure, {{"state", "secure"}});
  family.add(roster.absent, {{"state", "absent"}});
  family.add(roster.insecure, {{"state", "insecure"}});
  family.add(roster.unresolved, {{"state", "unresolved"}});
}

void add_samples(Family& family, Metric metric, const Measurements& now) {
  switch (metric) {
  case Metric::verdicts: return add_verdicts(family, now.verdicts);
  case Metric::verdict_duration: return family.add(now.verdicts.durations);
  case Metric::lookups:
    for (std::size_t i = 0; i < lookup_outcome_tokens.size(); ++i)
      family.add(now.lookups.outcomes.at(i), {{"outcome", lookup_outcome_tokens.at(i)}});
    return;
  case Metric::lookup_duration: return family.add(now.lookups.durations);
  case Metric::lookups_in_flight:
    family.add(now.client_lookups, {{"kind", "client"}});
    family.add(now.requeries, {{"kind", "requery"}});
    return family.add(now.roster_lookups, {{"kind", "roster"}});
  case Metric::cache_entries: return family.add(now.cache_entries);
  case Metric::cache_hits: return family.add(now.lookups.cache_hits);
  case Metric::cache_misses: return family.add(now.lookups.cache_misses);
  case Metric::roster_names: return add_roster(family, now.roster);
  case Metric::roster_signatures_end:
    if (now.signatures_end) family.add(seconds_of(now.signatures_end->time_since_epoch()));
    return;
  case Metric::held_off_domains: return family.add(now.held_off);
  case Metric::policy_connections: return family.add(now.policy_connections);
  case Metric::milter_connections: return family.add(now.milter_connections);
  case Metric::milter_messages: return family.add(now.milter_messages);
  case Metric::overload:
    for (std::size_t i = 0; i < bound_names.size(); ++i)
      family.add(now.overloads.at(i), {{"limit", bound_names.at(i)}});
    return;
  case Metric::reloads:
    family.add(now.reloads.applied, {{"outcome", "ok"}});
    return family.add(now.reloads.failed, {{"outcome", "failed"}});
  case Metric::reload_failing: return family.add(std::uint64_t{now.reloads.failing});
  case Metric::log_lines_dropped: return family.add(now.log_lines_dropped);
  case Metric::start_time: return family.add(seconds_of(now.started.time_since_epoch()));
  case Metric::build_info:
    return family.add(std::uint64_t{1}, {{"version", DANEGATE_VERSION}, {"compiler", __VERSION__}});
  }
}

} // namespace

std::string exposition(const Measurements& now) {
  std::vector<MetricFamily> families;
  for (const MetricInfo& info : metric_table) {
    Family family(info);
    add_samples(family, info.metric, now);
    families.push_back(family.take());
  }
  return prometheus::TextSerializer().Serialize(families);
}

} // namespace danegate::service
