#include "daemon/core/due_times.h"

#include <algorithm>
#include <functional>

namespace danegate::core {

namespace {

constexpr std::int64_t epoch = 1'500'000'000'000; ///< July 2017: 41 bits of milliseconds reach to 2087
constexpr std::int64_t most = (std::int64_t{1} << 41U) - 1;

} // namespace

void DueTimes::resize(std::size_t numbers) {
  current_.resize(numbers, 0);
}

DueTimes::Key DueTimes::key_of(std::uint32_t number, std::int64_t time) noexcept {
  const auto since = std::clamp<std::int64_t>(time - epoch, 1, most);
  return static_cast<Key>(since) << number_bits | number;
}

void DueTimes::set(std::uint32_t number, std::int64_t time) {
  const auto key = key_of(number, time);
  if (current_[number] == key) return;
  current_[number] = key;
  if (heap_.size() > 2 * current_.size() + 64) tidy();
  heap_.push_back(key);
  std::ranges::push_heap(heap_, std::greater{});
}

/// Drops what was replaced: linear, and only after as many changes as there are numbers.
void DueTimes::tidy() {
  std::erase_if(heap_, [this](Key key) {
    const auto number = static_cast<std::uint32_t>(key) & max_number;
    return number >= current_.size() || current_[number] != key;
  });
  std::ranges::make_heap(heap_, std::greater{});
}

bool DueTimes::is_behind(std::int64_t now) const noexcept {
  return !heap_.empty() && static_cast<std::int64_t>(heap_.front() >> number_bits) <= now - epoch;
}

std::optional<std::uint32_t> DueTimes::take(std::int64_t now) {
  const auto limit = std::clamp<std::int64_t>(now - epoch, 0, most);
  while (!heap_.empty() && static_cast<std::int64_t>(heap_.front() >> number_bits) <= limit) {
    const auto key = heap_.front();
    std::ranges::pop_heap(heap_, std::greater{});
    heap_.pop_back();
    const auto number = static_cast<std::uint32_t>(key) & max_number;
    if (number >= current_.size() || current_[number] != key) continue;
    current_[number] = 0;
    return number;
  }
  return std::nullopt;
}

} // namespace danegate::core
