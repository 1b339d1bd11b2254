#include "milter/encoded_words.h"

#include "daemon/core/digest.h"
#include "daemon/core/dns_name.h"
#include "milter/field_cursor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace danegate::milter {
namespace {

/// Longest charset name, with a language after "*" (RFC 2231 section 5), that is taken for one.
constexpr std::size_t max_charset = 80;

struct EncodedWord {
  std::string_view charset;
  char encoding; ///< b or q
  std::string_view payload;
  std::size_t length; ///< of the whole word
};

/// The encoded word at the beginning of `text`, which starts with "=?". No "?=" stands behind `last_end`: the search
/// for one would otherwise go through the whole text again for each beginning without an end.
std::optional<EncodedWord> encoded_word(std::string_view text, std::size_t last_end) {
  const auto charset = text.substr(2, max_charset + 1);
  const auto mark = charset.find('?');
  if (mark == 0 || mark == std::string_view::npos) return std::nullopt;
  const auto rest = text.substr(2 + mark + 1);
  if (rest.size() < 2 || rest[1] != '?') return std::nullopt;
  const char encoding = rest[0] == 'B' ? 'b' : rest[0] == 'Q' ? 'q' : rest[0];
  if (encoding != 'b' && encoding != 'q') return std::nullopt;
  if (2 + mark + 1 + 2 > last_end) return std::nullopt;
  const auto end = rest.find("?=", 2);
  return EncodedWord{charset.substr(0, mark), encoding, rest.substr(2, end - 2), 2 + mark + 1 + end + 2};
}

enum class Charset : std::uint8_t { contains_ascii, latin1, hidden };

Charset charset_of(std::string_view name) {
  // Prefixes: the national parts of a family share its lower half.
  constexpr std::array<std::string_view, 23> ascii_inside{
      "utf-8", "utf8",  "us-ascii", "ascii",     "iso-8859-", "iso8859",   "latin",  "windows-",
      "cp125", "cp932", "cp936",    "cp949",     "cp950",     "koi8-",     "gb2312", "gb18030",
      "gbk",   "big5",  "euc-",     "shift_jis", "sjis",      "ks_c_5601", "tis-620"};
  const std::string charset = core::ascii_lower(name.substr(0, name.find('*')));
  if (charset == "iso-8859-1" || charset == "windows-1252") return Charset::latin1;
  const bool known = std::ranges::any_of(ascii_inside, [&](auto prefix) { return charset.starts_with(prefix); });
  return known ? Charset::contains_ascii : Charset::hidden;
}

std::string decode_q(std::string_view payload) {
  std::string out;
  for (std::size_t i = 0; i < payload.size(); ++i) {
    const auto high = payload[i] == '=' && payload.size() - i > 2 ? core::hex_digit(payload[i + 1]) : std::nullopt;
    const auto low = high ? core::hex_digit(payload[i + 2]) : std::nullopt;
    if (low) {
      out += static_cast<char>(*high * 16 + *low);
      i += 2;
    } else {
      out += payload[i] == '_' ? ' ' : payload[i];
    }
  }
  return out;
}

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64 that everybody decodes alike: nothing but its alphabet, padding at the end only. Readers pass over other
/// characters, stop at them, or begin anew.
bool is_plain_base64(std::string_view payload) noexcept {
  const auto data_end = payload.find_first_not_of(alphabet);
  return data_end == std::string_view::npos || payload.find_first_not_of('=', data_end) == std::string_view::npos;
}

std::string decode_b(std::string_view payload) {
  std::string out;
  unsigned bits = 0;
  unsigned count = 0;
  for (const char c : payload) {
    const auto value = alphabet.find(c);
    if (value == std::string_view::npos) {
      if (c == '=') count = 0; // what follows padding is a text of its own
      continue;
    }
    bits = (bits << 6 | static_cast<unsigned>(value)) & 0xffffU;
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xffU);
  }
  return out;
}

/// Windows-1252 has other characters than Latin-1 between 0x80 and 0x9f: they stay as they are, which is not UTF-8.
std::string utf8_of_latin1(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto octet = static_cast<unsigned char>(c);
    if (octet >= 0xa0) {
      out += static_cast<char>(0xc0U | octet >> 6);
      out += static_cast<char>(0x80U | (octet & 0x3fU));
    } else {
      out += c;
    }
  }
  return out;
}

void append(DecodedText& decoded, const EncodedWord& word, std::string_view as_is) {
  const Charset charset = charset_of(word.charset);
  if (charset == Charset::hidden) {
    decoded.text += as_is;
    decoded.complete = false;
    return;
  }
  if (word.encoding == 'b' && !is_plain_base64(word.payload)) decoded.complete = false;
  const auto octets = word.encoding == 'b' ? decode_b(word.payload) : decode_q(word.payload);
  decoded.text += charset == Charset::latin1 ? utf8_of_latin1(octets) : octets;
}

bool is_white(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return is_white_space(c) || c == '\r' || c == '\n'; });
}

} // namespace

DecodedText decode_encoded_words(std::string_view text) {
  DecodedText decoded;
  const auto last_end = text.rfind("?=");
  if (last_end == std::string_view::npos) return {std::string(text)};
  std::size_t position = 0;
  bool after_word = false;
  while (true) {
    const auto begin = text.find("=?", position);
    if (begin == std::string_view::npos || begin >= last_end) break;
    const auto word = encoded_word(text.substr(begin), last_end - begin);
    if (!word) {
      decoded.text += text.substr(position, begin + 1 - position);
      position = begin + 1;
      after_word = false;
      continue;
    }
    // White space between two encoded words is not part of the text (RFC 2047 section 6.2).
    const auto between = text.substr(position, begin - position);
    if (!after_word || !is_white(between)) decoded.text += between;
    append(decoded, *word, text.substr(begin, word->length));
    position = begin + word->length;
    after_word = true;
  }
  decoded.text += text.substr(position);
  return decoded;
}

} // namespace danegate::milter
