// One table of the configuration after the schema's checks: every key known, every value of its type and within its
// bounds, defaults filled in. What a value means (a name, a network) is the business of the load_*.cpp files.
#pragma once

#include "daemon/config/schema.h"
#include "daemon/config/syntax.h"

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace danegate::config {

/// An entry of a list.
struct Item {
  Place place;
  std::string text;
  std::int64_t number = 0; ///< of port lists
};

class Section;

struct Value {
  bool set = false; ///< in a file; otherwise the default, which has no place of its own
  Place place;      ///< of the value
  std::variant<bool, std::int64_t, std::string, std::vector<Item>, std::vector<Section>> data;
};

class Section {
public:
  /// `place`: of the header, or of the inline table.
  Section(std::string_view table, Place place) : table_(table), place_(std::move(place)) {}

  std::string_view table() const noexcept { return table_; }

  const Place& place() const noexcept { return place_; }

  /// Of the value, or of the section where the default stands.
  const Place& place(std::string_view key) const;

  bool has(std::string_view key) const { return values_.contains(key); } ///< false: an optional setting is absent

  bool is_set(std::string_view key) const;

  // The getters below want a key of that type that has() holds for; anything else is our mistake and throws.
  bool boolean(std::string_view key) const;
  std::int64_t number(std::string_view key) const; ///< counts, sizes, octal; durations in milliseconds
  std::chrono::milliseconds duration(std::string_view key) const;
  const std::string& text(std::string_view key) const; ///< text, paths and choices
  const std::vector<Item>& list(std::string_view key) const;
  const std::vector<Section>& sections(std::string_view key) const;

  void put(std::string_view key, Value value) { values_.insert_or_assign(std::string(key), std::move(value)); }

  /// Values that `other` holds and this one does not.
  void fill_from(const Section& other);
  const Value* find(std::string_view key) const;

  const std::map<std::string, Value, std::less<>>& values() const noexcept { return values_; }

  /// None of the values counts as set in a file.
  void mark_as_default();

  /// The key was written, but it or its value was reported: a default stands for it meanwhile.
  void mark_broken(std::string_view key) { broken_.emplace(key); }

  bool broken(std::string_view key) const { return broken_.contains(key); }

  /// Nothing more should be said of how the values of this section fit together.
  bool broken() const noexcept { return !broken_.empty(); }

private:
  std::string_view table_; ///< of the schema
  Place place_;
  std::map<std::string, Value, std::less<>> values_;
  std::set<std::string, std::less<>> broken_;
};

/// Checks the entries of one table against the schema; whatever is wrong is reported and left out. Nothing is said of
/// keys that are missing.
Section check_table(std::string_view table, const Table& source, const Place& place, Diagnostics& diagnostics);

/// A required key that was not written is reported; true if all are there, and right.
bool check_required(const Section& section, Diagnostics& diagnostics);

} // namespace danegate::config
