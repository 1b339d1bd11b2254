// The one table of settings: what there is, of which type, with which default and bounds, and what it is for.
//
// The parser, `danegate check --print-config`, the sample configuration and man/danegate.toml.5 (both by a test) draw
// on it. Settings that are laid down but belong to later versions stand here with what they need: they are refused when
// set, never silently ignored.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace danegate::config {

enum class Type : std::uint8_t {
  boolean,
  text,      ///< min..max octets
  path,      ///< as text; relative to the folder of the file that says it
  choice,    ///< one of `choices`
  duration,  ///< min..max in milliseconds
  seconds,   ///< the same, and a whole number of seconds
  count,     ///< integer, min..max
  size,      ///< octets: integer, "64KiB", "1MiB"
  octal,     ///< integer written in octal: 0o660
  text_list, ///< min..max entries, as the three below
  path_list,
  port_list,
  table_list, ///< inline tables; their keys stand under `table.key`
};

enum class Presence : std::uint8_t {
  has_default, ///< `standard` is its value, in TOML
  optional,    ///< absent means what `standard` says, in words
  required,
};

/// What SIGHUP does with a changed value.
enum class Reload : std::uint8_t {
  applied, ///< it is in force for what begins afterwards
  restart, ///< the rest of the file is, and event=restart-needed names this setting
  refused, ///< the old configuration stays in force as a whole
};

struct Setting {
  std::string_view table; ///< "dns", ...; "service" and "rule" are arrays of tables
  std::string_view key;
  Type type;
  Presence presence;
  std::string_view standard;
  std::int64_t min;
  std::int64_t max;
  std::string_view choices; ///< separated by "|"
  std::string_view example; ///< in TOML, where there is no default to show
  std::string_view help;    ///< one line
  std::string_view needs;   ///< not in this version: what it would need. Refused unless the value is the default
  Reload reload = Reload::applied;

  constexpr bool in_this_version() const noexcept { return needs.empty(); }
};

/// Grouped by table, in the order of the sample configuration.
std::span<const Setting> settings() noexcept;
/// Those of one table.
std::span<const Setting> settings_of(std::string_view table) noexcept;

/// nullptr if there is none.
const Setting* find_setting(std::string_view table, std::string_view key) noexcept;
bool is_table(std::string_view name) noexcept;
/// [[service]] and [[rule]], which may stand many times.
bool is_table_array(std::string_view name) noexcept;

/// The defaults of one table as TOML, without its header; settings of later versions are left out.
std::string defaults_of(std::string_view table);

} // namespace danegate::config
