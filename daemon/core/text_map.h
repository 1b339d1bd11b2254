// A table by text that is searched with a view: no copy of the text is made to look for it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace danegate::core {

struct TextHash {
  using is_transparent = void;

  std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
};

template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

} // namespace danegate::core
