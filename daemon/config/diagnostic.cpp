#include "daemon/config/diagnostic.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace danegate::config {

namespace {

std::string position(std::string_view file, std::uint32_t line, std::uint32_t column) {
  return line == 0 ? std::string(file) : fmt::format("{}:{}:{}", file, line, column);
}

constexpr std::size_t max_message = 1000;

/// Messages quote what was found: cut, and without control characters, whatever a file held.
std::string printable(std::string message) {
  if (message.size() > max_message) message = message.substr(0, max_message) + "...";
  std::ranges::replace_if(message, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return message;
}

} // namespace

std::string Place::text() const {
  return position(file, line, column);
}

std::string ConfigError::text() const {
  return position(file, line, column) + ": " + message;
}

void Diagnostics::error(const Place& place, std::string message) {
  ++error_count_;
  if (errors_.size() < max_kept)
    errors_.push_back({place.file, place.line, place.column, printable(std::move(message))});
}

void Diagnostics::warn(const Place& place, std::string_view id, std::string message) {
  if (warnings_.size() < max_kept)
    warnings_.push_back({place.file, place.line, place.column, printable(std::move(message)), std::string(id)});
}

std::vector<ConfigError> Diagnostics::sorted(std::vector<ConfigError> list) const {
  const auto rank = [this](const ConfigError& error) {
    return std::tuple(std::ranges::find(files_, error.file) - files_.begin(), error.line, error.column);
  };
  std::ranges::stable_sort(list, {}, rank);
  return list;
}

std::vector<ConfigError> Diagnostics::take_errors() {
  auto list = sorted(std::move(errors_));
  if (error_count_ > list.size() && !list.empty())
    list.push_back({list.back().file, 0, 0, fmt::format("{} more errors not shown", error_count_ - list.size())});
  return list;
}

std::vector<ConfigError> Diagnostics::take_warnings() {
  return sorted(std::move(warnings_));
}

} // namespace danegate::config
