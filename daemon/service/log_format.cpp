#include "daemon/service/log_format.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace danegate::service {

namespace {

constexpr std::string_view ellipsis = "\u2026";

/// Sixteen octets, looked at together (vectors of GCC and Clang; each comparison gives an octet of ones or zeros).
using Block [[gnu::vector_size(16)]] = unsigned char;

template <class Word>
Word load(const char* octets) {
  Word word;
  std::memcpy(&word, octets, sizeof word);
  return word;
}

/// What stands in a log line as it is: in JSON within quotes, in logfmt without them, so there neither space nor "="
/// is.
template <bool Json>
bool is_plain(const Block& c) {
  constexpr unsigned char least = Json ? ' ' : '!';
  constexpr unsigned char separator = Json ? '"' : '=';
  const auto odd = (c < least) | (c > '~') | (c == '"') | (c == '\\') | (c == separator);
  std::array<std::uint64_t, 2> any{};
  static_assert(sizeof any == sizeof odd);
  std::memcpy(any.data(), &odd, sizeof any);
  return (any[0] | any[1]) == 0;
}

/// The octets of a value of 1 to 15 and no others; where they leave room, some of them again.
Block block_of_short(std::string_view value) {
  using Half = std::uint64_t;
  using Quarter = std::uint32_t;
  const char* const begin = value.data();
  const char* const end = begin + value.size();
  std::array<Half, 2> halves{};
  if (value.size() >= sizeof(Half)) {
    halves = {load<Half>(begin), load<Half>(end - sizeof(Half))};
  } else if (value.size() >= sizeof(Quarter)) {
    halves.fill(Half{load<Quarter>(begin)} << 32U | load<Quarter>(end - sizeof(Quarter)));
  } else {
    const std::array<char, 4> octets{value.front(), value[value.size() / 2], value.back(), value.back()};
    halves.fill(load<Quarter>(octets.data()) * Half{0x1'0000'0001});
  }
  return std::bit_cast<Block>(halves);
}

template <bool Json>
bool is_plain(std::string_view value) {
  if (value.empty()) return true;
  if (value.size() < sizeof(Block)) return is_plain<Json>(block_of_short(value));
  const char* const last = value.data() + value.size() - sizeof(Block);
  for (const char* block = value.data(); block < last; block += sizeof(Block))
    if (!is_plain<Json>(load<Block>(block))) return false;
  return is_plain<Json>(load<Block>(last));
}

/// Hands `write` the place for at most `room` octets at the end of `out`; what it returns is the new end. (libstdc++ 12
/// tells the operation of its capacity, not of the size asked for.)
template <class Write>
void append(std::string& out, std::size_t room, const Write& write) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(before + room,
                           [&](char* begin, std::size_t /*capacity*/) { return write(begin + before) - begin; });
}

struct Character {
  char32_t code = 0;
  std::size_t length = 0; ///< 0: no UTF-8 character begins here
};

/// RFC 3629: no overlong forms, no surrogates, nothing past U+10FFFF. `text` is not empty.
Character first_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t code = lead & (0xffU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    const auto next = static_cast<unsigned char>(text[i]);
    if ((next & 0xc0U) != 0x80) return {};
    code = (code << 6U) | (next & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (code < least[length] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff) return {};
  return {code, length};
}

/// Would move the cursor, break the line or reorder what stands around it in a viewer.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f) || code == 0x61c || (code >= 0x200e && code <= 0x200f) ||
         (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

void append_hex(std::string& out, std::string_view prefix, char32_t value, unsigned digits) {
  out += prefix;
  while (digits-- > 0)
    out += "0123456789abcdef"[(value >> (4 * digits)) & 0xfU];
}

void append_escaped(std::string& out, std::string_view value, bool json) {
  while (!value.empty()) {
    const auto [code, length] = first_character(value);
    const std::string_view octets = value.substr(0, length == 0 ? 1 : length);
    value.remove_prefix(octets.size());
    if (length != 0 && !is_control(code)) {
      if (code == '"' || code == '\\') out += '\\';
      out += octets;
    } else if (json) {
      append_hex(out, "\\u", length == 0 ? U'\ufffd' : code, 4);
    } else {
      for (char octet : octets)
        append_hex(out, "\\x", static_cast<unsigned char>(octet), 2);
    }
  }
}

/// At most max_value octets, and no character torn: at most the three octets of an unfinished one are dropped too.
std::string_view cut(std::string_view value) {
  std::size_t end = LineEncoder::max_value;
  for (unsigned back = 0; back < 3 && (static_cast<unsigned char>(value[end]) & 0xc0U) == 0x80; ++back)
    --end;
  return value.substr(0, end);
}

void append_padded(std::string& out, unsigned value, unsigned width) {
  std::array<char, 10> digits{};
  for (unsigned i = width; i-- > 0; value /= 10)
    digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits.data(), width);
}

} // namespace

namespace {

std::string to_seconds(std::chrono::sys_seconds time) {
  using namespace std::chrono;
  const auto day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  std::string out;
  append_padded(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, static_cast<unsigned>(clock.hours().count()), 2);
  out += ':';
  append_padded(out, static_cast<unsigned>(clock.minutes().count()), 2);
  out += ':';
  append_padded(out, static_cast<unsigned>(clock.seconds().count()), 2);
  return out;
}

/// The second that was written last: most lines are of the same one as the line before.
struct LastSecond {
  std::chrono::sys_seconds time;
  std::string text = to_seconds(time);
};

} // namespace

void append_timestamp(std::string& out, std::chrono::system_clock::time_point time) {
  thread_local LastSecond last;
  const auto second = std::chrono::floor<std::chrono::seconds>(time);
  if (second != last.time) last = {second};
  out += last.text;
  out += '.';
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time - second).count();
  append_padded(out, static_cast<unsigned>(milliseconds), 3);
  out += 'Z';
}

std::string without_time(std::string_view line, bool json) {
  const std::string_view lead = json ? std::string_view(R"({"time":")") : std::string_view("time=");
  const std::size_t end = line.starts_with(lead) ? line.find(json ? ',' : ' ') : std::string_view::npos;
  if (end == std::string_view::npos) return std::string(line);
  std::string rest(json ? "{" : "");
  return rest += line.substr(end + 1);
}

/// What separates it from the field before, and the key with its sign: at most lead_room.
char* LineEncoder::put_key(char* end, const LogKey& key) const {
  if (!first_) *end++ = json_ ? ',' : ' ';
  if (json_) *end++ = '"';
  end = key.put(end);
  if (json_) *end++ = '"';
  *end++ = json_ ? ':' : '=';
  return end;
}

void LineEncoder::begin(const LogKey& key) {
  append(out_, lead_room, [&](char* end) { return put_key(end, key); });
  first_ = false;
}

void LineEncoder::text(const LogKey& key, std::string_view value) {
  const bool too_long = value.size() > max_value;
  if (too_long) value = cut(value);
  const bool plain = json_ ? is_plain<true>(value) : is_plain<false>(value);
  if (plain && !too_long && !json_) {
    append(out_, lead_room + value.size(), [&](char* end) { return std::ranges::copy(value, put_key(end, key)).out; });
    first_ = false;
    return;
  }
  begin(key);
  out_ += '"';
  if (plain)
    out_ += value;
  else
    append_escaped(out_, value, json_);
  if (too_long) out_ += ellipsis;
  out_ += '"';
}

void LineEncoder::number(const LogKey& key, std::uint64_t value) {
  constexpr std::size_t digits = 20;
  append(out_, lead_room + digits, [&](char* end) {
    end = put_key(end, key);
    return std::to_chars(end, end + digits, value).ptr;
  });
  first_ = false;
}

void LineEncoder::time(const LogKey& key, std::chrono::system_clock::time_point time) {
  begin(key);
  if (json_) out_ += '"';
  append_timestamp(out_, time);
  if (json_) out_ += '"';
}

void LineEncoder::absent(const LogKey& key) {
  begin(key);
  if (json_) out_ += "null";
}

} // namespace danegate::service
