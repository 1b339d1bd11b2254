// Durations and sizes as the configuration writes them: "8s", "64KiB".
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::config {

/// An integer directly followed by ms, s, m, h or d. nullopt for anything else, a sign, or more than 10000 days.
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text);

/// In the largest unit that leaves no remainder: "90s", "2m".
std::string format_duration(std::chrono::milliseconds duration);

/// An integer directly followed by KiB or MiB; what is a plain number stands in the file as an integer. nullopt also
/// beyond 2^40 octets.
std::optional<std::int64_t> parse_size(std::string_view text);

std::string format_size(std::int64_t octets);

} // namespace danegate::config
