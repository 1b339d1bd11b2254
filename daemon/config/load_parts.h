// The parts of load(): each reads some sections of the checked document into the structures of config.h and core/.
// Mistakes are reported to `diagnostics`; what is returned then is not used.
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/document.h"
#include "daemon/config/environment.h"

#include <optional>
#include <string>
#include <vector>

namespace danegate::config {

struct Loading {
  const Document& document;
  const Environment& environment;
  Diagnostics& diagnostics;
};

// load_settings.cpp
ServerSettings load_server(const Loading& loading);
PolicySettings load_policy(const Loading& loading);
MilterSettings load_milter(const Loading& loading);
Limits load_limits(const Loading& loading);
LogSettings load_log(const Loading& loading);
MetricsSettings load_metrics(const Loading& loading);
core::CacheLimits load_cache(const Loading& loading);
/// How settings of different tables fit together; call it last, when nothing was reported.
void check_relations(const Loading& loading);

// load_control.cpp
/// `server.control`; nullopt: empty, or wrong and reported.
std::optional<Listen> load_control(const Document& document, Diagnostics& diagnostics);

// load_listen.cpp
/// The error says what was expected.
std::expected<Listen, std::string> parse_listen(std::string_view text);

// load_dns.cpp
core::ResolverSettings load_resolver(const Loading& loading);

// load_roster.cpp
RosterSettings load_roster(const Loading& loading, const core::CacheLimits& cache, const Limits& limits);
/// The owner names that the rules name in full. Null if something is wrong with them: too many, or more than can be
/// kept fresh at `dns.refresh-per-second`.
std::shared_ptr<const core::RosterPlan> load_roster_plan(const Loading& loading, const core::RuleSet& rules,
                                                         const RosterSettings& settings,
                                                         const std::shared_ptr<const core::RosterPlan>& previous);

// load_services.cpp
struct LoadedService {
  core::Service service;
  Place place;
};

/// Those of the files; where there is none, the two that a fresh installation has.
std::vector<LoadedService> load_services(const Loading& loading, const Limits& limits);
/// The same two as checked sections, for print().
std::vector<Section> default_services(Diagnostics& diagnostics);

// load_rules.cpp
struct ClientNetwork {
  core::IpNetwork network;
  core::IpAddress base;
  unsigned prefix; ///< bits of the address's own width
};

struct LoadedRule {
  core::Rule rule;
  const Section* section; ///< of the document
  std::vector<ClientNetwork> clients;
};

/// `has_milter`: without one, a rule with `from` would never be asked.
std::vector<LoadedRule> load_rules(const Loading& loading, const std::vector<LoadedService>& services, bool has_milter);

struct LookupDomains {
  std::vector<core::DnsName> domains;
  bool open_to_all = false;
};

LookupDomains load_lookup(const Loading& loading);

/// True for what may be a metric label, a log value and a header's pvalue as it stands: up to 64 letters, digits, "-",
/// "_" and ".", the first a letter or digit.
bool is_simple_token(std::string_view text) noexcept;

} // namespace danegate::config
