// Encodes log lines, logfmt or JSON, in one pass into a buffer: what events and verdict lines have in common.
//
// Values may come from peers. In logfmt a value is quoted unless it consists of printable ASCII without space, `"`, `=`
// and `\`; in it `"` and `\` get a backslash, and control characters and octets that are not UTF-8 (RFC 3629) become
// \xNN. In JSON (RFC 8259) they become \u00NN and U+FFFD. "Control characters" are those of ASCII and Latin-1 and what
// reorders or breaks a line in a viewer: U+2028, U+2029 and the bidirectional controls. A reader gets one line per
// line.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace danegate::service {

/// "2026-11-22T04:48:46.123Z" (RFC 3339, always UTC, always this width).
void append_timestamp(std::string& out, std::chrono::system_clock::time_point time);

/// A line without the time that leads it, `time=… ` or, within the brace, `"time":"…",`; a line that does not begin
/// with a time as it is.
std::string without_time(std::string_view line, bool json);

/// The name of a field. Ours, a literal, and never escaped: what would have to be does not compile.
class LogKey {
public:
  /// Every key takes as much room, and is written whole where it is shorter: that is two moves, not a call.
  static constexpr std::size_t room = 24;

  consteval LogKey(const char* text) { // NOLINT(google-explicit-constructor): a literal is a key
    for (const char c : std::string_view(text)) {
      const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!plain || size_ == room) throw "a key is 1 to 24 of a-z, 0-9, - and _";
      octets_[size_++] = c;
    }
    if (size_ == 0) throw "a key is not empty";
  }

  /// `room` octets at `out`, the first of them the key; returns its end.
  char* put(char* out) const noexcept {
    std::memcpy(out, octets_.data(), room);
    return out + size_;
  }

private:
  std::array<char, room> octets_{};
  std::size_t size_ = 0;
};

class LineEncoder {
public:
  /// Longest value in octets, before escaping; what is beyond is cut off, on a character's boundary, and an ellipsis
  /// stands for it.
  static constexpr std::size_t max_value = 1024;

  /// Appends to `out`, which must outlive the encoder. Braces of JSON are the caller's.
  LineEncoder(std::string& out, bool json) : out_(out), json_(json) {}

  void text(const LogKey& key, std::string_view value);
  void number(const LogKey& key, std::uint64_t value);
  void time(const LogKey& key, std::chrono::system_clock::time_point time);
  /// A number that is not there: `key=`, in JSON null.
  void absent(const LogKey& key);

private:
  static constexpr std::size_t lead_room = LogKey::room + 4; ///< a key, `,"` before it and `":` behind it

  char* put_key(char* end, const LogKey& key) const;
  void begin(const LogKey& key);

  std::string& out_;
  bool json_;
  bool first_ = true;
};

} // namespace danegate::service
