// The validated, immutable configuration: what load.h makes of danegate.toml and conf.d.
//
// A snapshot behind a shared_ptr; a request keeps the one it started with, a reload swaps the pointer. Every value here
// has passed its bounds (schema.h).
#pragma once

#include "daemon/config/diagnostic.h"
#include "daemon/core/answer_cache.h"
#include "daemon/core/resolver_settings.h"
#include "daemon/core/roster.h"
#include "daemon/core/rules.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace danegate::config {

/// "unix:/path", "inet:127.0.0.1:10044" or "inet:[::1]:10044".
struct Listen {
  enum class Kind : std::uint8_t { unix_socket, inet };
  Kind kind;
  std::string address; ///< path, or numeric address without brackets
  std::uint16_t port = 0;

  std::string text() const; ///< as in the configuration
  friend bool operator==(const Listen&, const Listen&) = default;
};

struct ServerSettings {
  std::string user;                    ///< empty: stay who we are
  std::string authserv_id;             ///< RFC 8601 section 2.5; never empty
  std::optional<core::DnsName> origin; ///< domain of senders that have none
  std::string state;                   ///< folder for what survives a restart; empty: none
  std::optional<Listen> control{};     ///< a unix socket; absent: none
};

struct PolicySettings {
  std::vector<Listen> listen;
  std::uint32_t socket_mode = 0660;
  std::string socket_group; ///< empty: the process's own
  bool header_always = false;
  bool trust_inet = false; ///< evidence from inet listeners may feed the milter's join
  std::chrono::seconds idle_timeout{1000};
};

struct MilterSettings {
  std::optional<Listen> listen; ///< absent: no milter
  std::uint32_t socket_mode = 0660;
  std::string socket_group; ///< empty: the process's own
  bool remove_all = false;  ///< every incoming field of our authserv-id goes, not only those that speak of us
};

struct Limits {
  std::chrono::milliseconds deadline{8000};
  std::size_t lookups = 512;
  std::size_t lookups_per_client = 8;
  std::size_t lookups_per_entry = 32;
  std::size_t names_per_request = 8;
  std::size_t records_per_name = 64;
  std::size_t requeries = 64;
  std::size_t waiting_per_client = 64;
  std::chrono::milliseconds waited_per_client{240000}; ///< in a minute
  std::size_t policy_connections = 4096;
  std::size_t request_bytes = 65536;
  std::size_t milter_connections = 4096;
  std::size_t milter_verdicts = 256;
};

struct MetricsSettings {
  std::optional<Listen> listen; ///< absent: no HTTP
};

/// How the identities that rules name in full are resolved ahead of time.
struct RosterSettings {
  std::size_t refresh_per_second = 50;
  core::RosterLimits limits;
};

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogSettings {
  LogLevel level = LogLevel::info;
  bool json = false;
  bool syslog = false;

  friend bool operator==(const LogSettings&, const LogSettings&) = default;
};

struct Config {
  ServerSettings server;
  PolicySettings policy;
  MilterSettings milter;
  core::ResolverSettings dns;
  core::CacheLimits cache;
  Limits limits;
  RosterSettings roster;
  LogSettings log;
  MetricsSettings metrics;
  std::shared_ptr<const core::RuleSet> rules;          ///< never null
  std::shared_ptr<const core::RosterPlan> roster_plan; ///< of these rules; load() never leaves it null
  std::vector<Place> rule_places;                      ///< where each of rules->rules() stands, for reports about it
  std::vector<ConfigError> warnings;                   ///< what is legal and most likely not meant
};

using ConfigPtr = std::shared_ptr<const Config>;

} // namespace danegate::config
