#include "daemon/config/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>

namespace danegate::config {

namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr std::int64_t max_duration = std::int64_t{10000} * 24 * 60 * 60 * 1000; // milliseconds
constexpr std::int64_t max_size = std::int64_t{1} << 40;

// Smallest first: formatting looks for the largest that divides.
constexpr std::array<Unit, 5> durations{{{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}}};
constexpr std::array<Unit, 2> sizes{{{"KiB", 1024}, {"MiB", 1048576}}};

template <std::size_t N>
std::optional<std::int64_t> parse(std::string_view text, const std::array<Unit, N>& units, std::int64_t max) {
  std::int64_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || number < 0 || text.front() == '-') return std::nullopt;
  const std::string_view rest(stop, static_cast<std::size_t>(end - stop));
  for (const auto& unit : units)
    if (unit.name == rest) return number > max / unit.factor ? std::nullopt : std::optional(number * unit.factor);
  return std::nullopt;
}

} // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse(text, durations, max_duration);
  if (!value) return std::nullopt;
  return std::chrono::milliseconds(*value);
}

std::string format_duration(std::chrono::milliseconds duration) {
  if (duration.count() == 0) return "0s";
  for (std::size_t i = durations.size(); i-- > 1;)
    if (duration.count() % durations[i].factor == 0)
      return fmt::format("{}{}", duration.count() / durations[i].factor, durations[i].name);
  return fmt::format("{}ms", duration.count());
}

std::optional<std::int64_t> parse_size(std::string_view text) {
  return parse(text, sizes, max_size);
}

std::string format_size(std::int64_t octets) {
  if (octets == 0 || octets % 1024 != 0) return fmt::format("{}", octets);
  for (std::size_t i = sizes.size(); i-- > 1;)
    if (octets % sizes[i].factor == 0) return fmt::format("{}{}", octets / sizes[i].factor, sizes[i].name);
  return fmt::format("{}KiB", octets / 1024);
}

} // namespace danegate::config
