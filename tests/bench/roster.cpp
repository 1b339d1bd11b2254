// bench_roster CONFIG: what a configuration's roster costs in time and memory, with two records known for every name.
//
// Loads CONFIG as the daemon does, fills a roster, and prints one line each: load, memory, cost of a verdict and of its
// parts, a reload, refreshes of a day under a clock of its own, the state file. Where server.state names a folder, the
// state file stays there: a daemon that is started on CONFIG then knows every name. Nothing here is judged; run it with
// a thousand names and with a million, and compare.
#include "daemon/config/load.h"
#include "daemon/core/auth_flow.h"
#include "daemon/core/roster_state.h"
#include "daemon/service/pace.h"
#include "daemon/service/ports.h"
#include "daemon/service/safe_file.h"
#include "daemon/service/wall_clock.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace danegate;
using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

double seconds_since(Steady::time_point begin) {
  return std::chrono::duration<double>(Steady::now() - begin).count();
}

double resident_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) return std::stod(line.substr(6)) / 1024;
  return 0;
}

core::Bytes digest_of(std::uint32_t number, std::uint8_t which) {
  const std::string text = std::to_string(number) + ' ' + std::to_string(which);
  return service::library_ports().hash(core::DigestAlgorithm::sha256, core::Bytes(text.begin(), text.end()));
}

core::TlsaAnswer answer_for(std::uint32_t number, core::TimePoint now) {
  core::Secure secure;
  for (const std::uint8_t which : {std::uint8_t{1}, std::uint8_t{2}})
    secure.records.push_back({3, 1, 1, digest_of(number, which)});
  core::TlsaAnswer answer{std::move(secure), 24h};
  answer.signatures_end = std::chrono::floor<std::chrono::seconds>(now + 14 * 24h);
  return answer;
}

core::Evidence evidence_of(std::uint32_t number) {
  core::Evidence evidence;
  evidence.tls = true;
  evidence.key_digest = core::Digest::parse(core::to_hex(digest_of(number, 1))).value();
  return evidence;
}

struct View final : core::RosterView {
  View(core::Roster& known, core::TimePoint at) : roster(known), now(at) {}

  std::optional<core::RosterAnswer> find(const core::DnsName& owner) const override { return roster.find(owner, now); }

  core::RosterCandidates candidates(const core::Evidence& evidence) const override {
    return roster.candidates(evidence, now);
  }

  core::RosterDoubt doubt(const core::Rule&, const core::Service&) const override { return roster.doubt(0, now); }

  core::Roster& roster;
  core::TimePoint now;
};

/// Nanoseconds for one call, of the best of five rounds: the others shared their processor.
template <typename Call>
double cost(std::size_t count, const Call& call) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const auto begin = Steady::now();
    for (std::size_t i = 0; i < count; ++i)
      call(i);
    best = std::min(best, seconds_since(begin) * 1e9 / static_cast<double>(count));
  }
  return best;
}

void measure_verdicts(const config::Config& config, core::Roster& roster, core::TimePoint now) {
  constexpr std::size_t count = 20000;
  std::mt19937 random(1); // NOLINT: the same names each time
  std::vector<core::Evidence> evidence;
  std::vector<core::OwnerName> names;
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = static_cast<std::uint32_t>(random() % roster.plan()->names());
    evidence.push_back(evidence_of(number));
    names.push_back(roster.plan()->name_of(number));
  }
  const View view(roster, now);
  std::size_t passed = 0;
  const auto verdict = [&](std::size_t i, const std::string& helo) {
    core::Question question{&config.rules->services().front(), evidence[i], {}, {}};
    question.claims.helo = helo;
    core::AuthFlow flow(config.rules, std::move(question), service::library_ports(), {}, &view);
    if (flow.done() && flow.take().outcome.reason == core::Reason::match) ++passed;
  };
  const auto claimed = cost(count, [&](std::size_t i) { verdict(i, names[i].identity.domain.text()); });
  const auto by_key = cost(count, [&](std::size_t i) { verdict(i, "garbage"); });
  const auto find = cost(count, [&](std::size_t i) { passed += roster.find(names[i].owner, now) ? 0U : 1U; });
  const auto index =
      cost(count, [&](std::size_t i) { passed += roster.candidates(evidence[i], now).found.size() - 1; });
  std::printf("verdict: claimed %.0f ns, by key alone %.0f ns; find %.0f ns, index %.0f ns; passed %s\n", claimed,
              by_key, find, index, passed == 10 * count ? "all" : "NOT ALL");
}

/// A day of refreshes at the configured rate: how many in the busiest and the laziest second after the first hour.
void measure_pace(const config::Config& config, core::Roster& roster, core::TimePoint start) {
  const auto rate = static_cast<double>(config.roster.refresh_per_second);
  service::Pace pace(rate, rate / 5);
  std::size_t busiest = 0;
  std::size_t all = 0;
  std::size_t expired = 0;
  const auto begin = Steady::now();
  for (std::int64_t tick = 0; tick < std::int64_t{24} * 36000; ++tick) { // 100 ms each
    static std::size_t in_this_second = 0;
    const auto now = start + std::chrono::milliseconds(100 * tick);
    while (pace.take(Steady::time_point(std::chrono::milliseconds(100 * tick)))) {
      const auto due = roster.take_due(now);
      if (!due) {
        pace.give_back();
        break;
      }
      ++all;
      ++in_this_second;
      roster.store(due->number, answer_for(due->number, now), now);
    }
    if (tick % 10 != 9) continue;
    busiest = std::max(busiest, std::exchange(in_this_second, std::size_t{0}));
    expired = std::max(expired, roster.counts().unresolved);
  }
  std::printf("a day of refreshes: %zu, in the busiest second %zu (configured %.0f/s), expired at most %zu; %.1f s of "
              "processor time\n",
              all, busiest, rate, expired, seconds_since(begin));
}

void measure_state(const config::Config& config, core::Roster& roster, core::TimePoint now) {
  const auto key = core::resolver_key(config.dns, service::library_ports().hash);
  auto begin = Steady::now();
  core::RosterStateEncoder encoder(key);
  for (core::RosterPlan::Number number = 0; number < roster.plan()->numbers(); ++number)
    if (const auto record = roster.record_of(number, now)) encoder.add(roster.plan()->name_of(number).owner, *record);
  encoder.end(now);
  const auto octets = encoder.take();
  const auto encoded = seconds_since(begin);
  begin = Steady::now();
  core::Roster restored(config.roster_plan, config.roster.limits, service::library_ports().hash, now);
  const auto read = core::decode_roster_state(octets, key, now, [&](const auto& owner, const auto& record) {
    restored.restore(restored.plan()->find(owner).value(), record, now);
  });
  std::printf("state file: %zu answers, %.0f MiB, encoded in %.2f s, read in %.2f s\n", read.value_or(0),
              static_cast<double>(octets.size()) / 1048576, encoded, seconds_since(begin));
  if (config.server.state.empty()) return;
  auto file = service::SafeFile::begin(config.server.state + "/roster");
  if (file && file->write(octets) && file->commit()) return;
  std::puts("the state file cannot be written");
}

int run(const char* file) {
  const auto base = resident_mib();
  const auto environment = config::make_environment("bench.example.net", {}, service::library_ports());
  auto begin = Steady::now();
  const auto loaded = config::load(file, environment);
  if (!loaded) {
    for (const auto& error : loaded.error())
      std::puts(error.text().c_str());
    return EXIT_FAILURE;
  }
  const auto& config = **loaded;
  const auto load_time = seconds_since(begin);
  const auto after_load = resident_mib();
  const auto now = service::wall_clock();
  core::Roster roster(config.roster_plan, config.roster.limits, service::library_ports().hash, now);
  const auto names = roster.plan()->names();
  while (const auto due = roster.take_due(now))
    roster.store(due->number, answer_for(due->number, now), now);
  std::printf("names %zu: loaded in %.2f s; memory beyond the base: configuration %.0f MiB, with two records known for "
              "each %.0f MiB\n",
              names, load_time, after_load - base, resident_mib() - base);
  measure_verdicts(config, roster, now);
  begin = Steady::now();
  const auto again = config::load(file, environment, config.roster_plan);
  const auto reload_time = seconds_since(begin);
  const auto at_peak = resident_mib();
  begin = Steady::now();
  roster.use((*again)->roster_plan, config.roster.limits, now);
  std::printf(
      "reload: %.2f s on a thread of its own, then %.1f ms on the loop; %zu of %zu answers kept; %.0f MiB beyond "
      "the base meanwhile\n",
      reload_time, seconds_since(begin) * 1000, roster.counts().secure, names, at_peak - base);
  measure_state(**again, roster, now);
  measure_pace(config, roster, now);
  return EXIT_SUCCESS;
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: bench_roster CONFIG\n", stderr);
    return EXIT_FAILURE;
  }
  return run(argv[1]);
}
