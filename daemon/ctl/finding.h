// What `danegate check` finds: one table of kinds, and one finding with its place, its sentence and its fix.
//
// The ids are a promise: scripts read them from --json, so none is renamed. Values; no I/O.
#pragma once

#include "daemon/config/diagnostic.h"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

enum class Severity : std::uint8_t {
  note,    ///< what cannot be told, or is worth knowing: nothing to do
  warning, ///< works, and most likely not as meant
  error,   ///< does not work, or is dangerous
};

std::string_view token(Severity severity) noexcept;

struct FindingKind {
  std::string_view id;
  Severity severity; ///< the highest that a finding of this kind has
  std::string_view help;
};

/// Every kind, in the order in which the manual lists them.
std::span<const FindingKind> finding_kinds() noexcept;

/// Throws std::logic_error for an id that the table does not have.
const FindingKind& kind_of(std::string_view id);

/// One edit that mends it.
struct Fix {
  std::string file;  ///< to edit; empty: a command for root's shell
  std::string entry; ///< of master.cf, "submission/inet": the text goes below that entry
  std::string text;  ///< exactly what to write; several lines are several settings
};

struct Finding {
  std::string_view id;
  Severity severity;
  config::Place place;   ///< file, and line and column where it is danegate's own
  std::string entry;     ///< of master.cf; empty: it is not in master.cf, or not in one entry
  std::string parameter; ///< of Postfix; empty: not about one
  std::string message;
  std::vector<Fix> fixes; ///< in order; empty: there is none that could be written here

  /// "file:line:column", "main.cf: parameter" or "master.cf: entry: parameter", with the files' folders.
  std::string where() const;
};

/// A finding of this kind, with the kind's severity and nothing else.
Finding make_finding(std::string_view id, std::string message);

} // namespace danegate::ctl
