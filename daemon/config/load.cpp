#include "daemon/config/load.h"

#include "daemon/config/load_parts.h"
#include "daemon/config/print.h"
#include "daemon/config/rule_sense.h"

#include <utility>

namespace danegate::config {

namespace {

std::shared_ptr<const core::RuleSet> rule_set(std::vector<LoadedService> services, std::vector<LoadedRule> rules,
                                              const LookupDomains& lookup) {
  std::vector<core::Service> plain_services;
  for (auto& loaded : services)
    plain_services.push_back(std::move(loaded.service));
  std::vector<core::Rule> plain_rules;
  for (auto& loaded : rules)
    plain_rules.push_back(std::move(loaded.rule));
  return std::make_shared<const core::RuleSet>(std::move(plain_services), std::move(plain_rules), lookup.domains,
                                               lookup.open_to_all);
}

/// Null if anything was reported, now or before.
std::shared_ptr<Config> build(const Loading& loading) {
  auto config = std::make_shared<Config>();
  config->server = load_server(loading);
  config->policy = load_policy(loading);
  config->milter = load_milter(loading);
  config->dns = load_resolver(loading);
  config->cache = load_cache(loading);
  config->limits = load_limits(loading);
  config->roster = load_roster(loading, config->cache, config->limits);
  config->log = load_log(loading);
  config->metrics = load_metrics(loading);
  auto lookup = load_lookup(loading);
  auto services = load_services(loading, config->limits);
  auto rules = load_rules(loading, services, config->milter.listen.has_value());
  if (!loading.diagnostics.failed()) check_relations(loading);
  if (loading.diagnostics.failed()) return nullptr;
  warn_of_rules(services, rules, lookup, loading.diagnostics);
  for (const auto& rule : rules)
    config->rule_places.push_back(rule.section->place("name"));
  config->rules = rule_set(std::move(services), std::move(rules), lookup);
  config->warnings = loading.diagnostics.take_warnings();
  return config;
}

} // namespace

std::expected<ConfigPtr, std::vector<ConfigError>> load(const std::filesystem::path& file,
                                                        const Environment& environment,
                                                        const std::shared_ptr<const core::RosterPlan>& previous) {
  Diagnostics diagnostics;
  const auto document = read_document(file, diagnostics);
  const Loading loading{document, environment, diagnostics};
  auto config = build(loading);
  if (config) config->roster_plan = load_roster_plan(loading, *config->rules, config->roster, previous);
  if (!config || !config->roster_plan) return std::unexpected(diagnostics.take_errors());
  return config;
}

std::expected<std::string, std::vector<ConfigError>> print(const std::filesystem::path& file,
                                                           const Environment& environment) {
  Diagnostics diagnostics;
  const auto document = read_document(file, diagnostics);
  const auto config = build({document, environment, diagnostics});
  if (!config) return std::unexpected(diagnostics.take_errors());
  return print_document(document, config->server, diagnostics);
}

} // namespace danegate::config
