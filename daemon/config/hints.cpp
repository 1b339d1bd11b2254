#include "daemon/config/hints.h"

#include "daemon/config/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace danegate::config {

namespace {

constexpr std::size_t max_word = 64; ///< longer ones are not typing errors, and the distance costs their product

/// Optimal string alignment distance: insertions, deletions, changes and swaps of neighbours.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

/// One error in a short word, two in a longer one.
bool near(std::string_view a, std::string_view b) {
  const std::size_t allowed = std::min(a.size(), b.size()) < 5 ? 1 : 2;
  return distance(a, b) <= allowed;
}

std::string belongs_in(std::string_view table) {
  return is_table_array(table) ? fmt::format(" (it belongs in [[{}]])", table)
                               : fmt::format(" (it belongs in [{}])", table);
}

} // namespace

std::string hint_among(std::string_view word, std::span<const std::string_view> known) {
  if (word.empty() || word.size() > max_word) return {};
  const auto found = std::ranges::min_element(known, {}, [word](std::string_view k) { return distance(word, k); });
  if (found == known.end() || !near(word, *found)) return {};
  return fmt::format(" (did you mean \"{}\"?)", *found);
}

std::string hint_for_key(std::string_view table, std::string_view key) {
  std::vector<std::string_view> known;
  for (const auto& setting : settings_of(table))
    known.push_back(setting.key);
  if (auto hint = hint_among(key, known); !hint.empty()) return hint;
  for (const auto& setting : settings())
    if (setting.key == key && is_table(setting.table)) return belongs_in(setting.table);
  return {};
}

std::string hint_for_table(std::string_view name) {
  std::vector<std::string_view> known;
  for (const auto& setting : settings())
    if (is_table(setting.table) && (known.empty() || known.back() != setting.table)) known.push_back(setting.table);
  if (auto hint = hint_among(name, known); !hint.empty()) return hint;
  for (const auto& setting : settings())
    if (setting.key == name && is_table(setting.table)) return belongs_in(setting.table);
  return {};
}

} // namespace danegate::config
