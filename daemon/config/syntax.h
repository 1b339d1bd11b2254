// A TOML document as plain values with their positions: all that the rest of this folder sees of TOML.
//
// Made by load_toml.cpp, checked against the schema by section.cpp, then thrown away.
#pragma once

#include "daemon/config/diagnostic.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace danegate::config {

struct Node;
struct Entry;

using Array = std::vector<Node>;

struct Table {
  std::vector<Entry> entries; ///< in the order of the file
};

/// Dates and floats: no setting has such a type, so only their name is kept, for the report.
struct Unfit {
  std::string_view type;
};

struct Node {
  Place place;
  std::variant<bool, std::int64_t, std::string, Array, Table, Unfit> value;
  bool octal = false; ///< an integer written 0o…

  /// "a string", for reports.
  std::string_view type_name() const noexcept;
};

struct Entry {
  std::string key;
  Place place; ///< of the key
  Node node;
};

} // namespace danegate::config
