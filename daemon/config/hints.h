// "did you mean": what to add to the report of a word that nobody knows.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace danegate::config {

/// ` (did you mean "x"?)` if a known word is near enough, else nothing.
std::string hint_among(std::string_view word, std::span<const std::string_view> known);

/// The same for a key of `table`; ` (it belongs in [dns])` where another table has exactly that key.
std::string hint_for_key(std::string_view table, std::string_view key);
std::string hint_for_table(std::string_view name);

} // namespace danegate::config
