// When which of many things is due: a heap of (time, number) in eight octets each.
//
// One time per number: set() replaces the one before. A time that was replaced stays in the heap until it comes up, or
// until such leftovers outnumber the rest. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace danegate::core {

class DueTimes {
public:
  static constexpr unsigned number_bits = 23;
  static constexpr std::uint32_t max_number = (std::uint32_t{1} << number_bits) - 1;

  /// For numbers below `numbers`. Those from there on are forgotten.
  void resize(std::size_t numbers);

  /// `time` in milliseconds since 1970. What is beyond 2086 counts as then, what is before 2017 as then.
  void set(std::uint32_t number, std::int64_t time);

  void clear(std::uint32_t number) noexcept { current_[number] = 0; }

  /// Removes the earliest one that is not after `now`.
  std::optional<std::uint32_t> take(std::int64_t now);

  /// take(now) would find something that counts, or did once.
  bool is_behind(std::int64_t now) const noexcept;

  std::size_t size() const noexcept { return heap_.size(); }

private:
  /// Time in the upper 41 bits, number below it. 0: no time.
  using Key = std::uint64_t;

  static Key key_of(std::uint32_t number, std::int64_t time) noexcept;
  void tidy();

  std::vector<Key> heap_;    ///< the least in front
  std::vector<Key> current_; ///< by number: the key that counts
};

} // namespace danegate::core
