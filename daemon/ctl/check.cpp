#include "daemon/ctl/check.h"

#include "daemon/config/load.h"
#include "daemon/config/postconf.h"
#include "daemon/ctl/live_lookups.h"
#include "daemon/ctl/postfix_findings.h"
#include "daemon/ctl/surroundings.h"
#include "daemon/dns/unbound_source.h"

#include <fmt/format.h>

#include <iterator>
#include <ostream>
#include <utility>

namespace danegate::ctl {

namespace {

using config::ConfigError;

Finding configuration_finding(const ConfigError& error) {
  auto finding = make_finding(error.id.empty() ? "configuration" : std::string_view(error.id), error.message);
  finding.place = {error.file, error.line, error.column};
  return finding;
}

void append(std::vector<Finding>& to, std::vector<Finding> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

std::optional<config::PostfixSetup> read_postfix(const CheckOptions& options) {
  return config::read_postfix(options.postfix_folder, [&](const std::vector<std::string>& arguments) {
    config::PostconfQuery query{options.postconf, {"-c", options.postfix_folder}};
    query.arguments.insert(query.arguments.end(), arguments.begin(), arguments.end());
    return config::run_postconf(query);
  });
}

void check_postfix(const CheckOptions& options, const config::Config& config, CheckReport& report) {
  if (options.postconf.empty()) return;
  const auto setup = read_postfix(options);
  if (!setup) {
    auto finding = make_finding("postfix-unread",
                                fmt::format("{} did not answer: Postfix's side is not checked", options.postconf));
    finding.place.file = options.file;
    report.findings.push_back(std::move(finding));
    return;
  }
  report.postfix_folder = options.postfix_folder;
  const auto around = this_host();
  append(report.findings, find_in_postfix(look_at_postfix(options.file, config, *setup, around)));
}

void check_live(const CheckOptions& options, const config::Config& config, const core::Ports& ports,
                CheckReport& report, std::ostream& err) {
  const auto plan = plan_lookups(config, ports);
  const auto names = plan.names();
  const auto progress = [&](std::size_t done) {
    if (options.progress) err << fmt::format("\r{} of {} names", done, names.size()) << std::flush;
  };
  const auto result = ask_live(config.dns, names, progress);
  if (options.progress) err << "\r\x1b[K" << std::flush;
  append(report.findings, judge_anchors(result.anchors, options.file));
  append(report.findings, judge_answers(plan, result.answers, config));
  report.live = LiveCount{result.answers.size(), plan.subjects.size()};
}

/// Null where the configuration is wrong, and nothing else can be looked at.
config::ConfigPtr check_configuration(const CheckOptions& options, const config::Environment& environment,
                                      CheckReport& report) {
  auto loaded = config::load(options.file, environment);
  for (const auto& error : loaded ? (*loaded)->warnings : loaded.error())
    report.findings.push_back(configuration_finding(error));
  if (!loaded) return nullptr;
  return std::move(*loaded);
}

bool check_anchors(const CheckOptions& options, const config::Config& config, CheckReport& report) {
  const auto readable = dns::UnboundSource::check_anchors(config.dns);
  if (readable) return true;
  auto finding = make_finding("trust-anchor", readable.error());
  finding.place.file = options.file;
  report.findings.push_back(std::move(finding));
  return false;
}

} // namespace

int check(const CheckOptions& options, const config::Environment& environment, std::ostream& out, std::ostream& err) {
  CheckReport report{options.file, {}, {}, {}};
  if (const auto config = check_configuration(options, environment, report)) {
    if (options.print_config) out << config::print(options.file, environment).value_or("");
    const bool can_ask = check_anchors(options, *config, report);
    check_postfix(options, *config, report);
    if (options.live && can_ask) check_live(options, *config, environment.ports, report, err);
  }
  if (options.json)
    out << report_as_json(report);
  else
    err << report_as_text(report);
  return report.status();
}

} // namespace danegate::ctl
