#include "milter/lenient_text.h"

#include "daemon/core/dns_name.h"
#include "milter/field_cursor.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace danegate::milter {
namespace {

/// As RFC 5322 has them: nested, none within quoted strings, quoted pairs heeded. One without an end goes to the end.
std::string without_comments(std::string_view text) {
  std::string out;
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      if (depth == 0) out += text.substr(i, 2);
      ++i;
    } else if (depth > 0 || (c == '(' && !quoted)) {
      if (c == '(') ++depth;
      if (c == ')') --depth;
    } else {
      if (c == '"') quoted = !quoted;
      out += c;
    }
  }
  return out;
}

/// As a reader does who deletes the innermost "(...)" until there is none, whatever stands around it.
std::string without_pairs(std::string_view text) {
  std::string out;
  std::vector<std::size_t> open;
  for (const char c : text) {
    if (c == ')' && !open.empty()) {
      out.resize(open.back());
      open.pop_back();
      continue;
    }
    if (c == '(') open.push_back(out.size());
    out += c;
  }
  return out;
}

enum class Space : bool { dropped, kept };

bool is_seen_ascii(char c) noexcept {
  return c > ' ' && c <= '~';
}

struct Unseen {
  std::size_t length; ///< 0: something that is seen
  bool is_space;
};

/// What stands at the beginning of `text` and shows nothing: white space, controls, and their kind in Unicode.
Unseen unseen(std::string_view text) noexcept {
  constexpr std::array<std::string_view, 17> spaces{" ",      "\t",     "\u00a0", "\u2000", "\u2001", "\u2002",
                                                    "\u2003", "\u2004", "\u2005", "\u2006", "\u2007", "\u2008",
                                                    "\u2009", "\u200a", "\u202f", "\u205f", "\u3000"};
  constexpr std::array<std::string_view, 12> no_width{"\u00ad", "\u034f", "\u200b", "\u200c", "\u200d", "\u200e",
                                                      "\u200f", "\u2060", "\u2061", "\u2062", "\u2063", "\ufeff"};
  const auto begins = [text](std::string_view sequence) { // most differ in their first octet
    return text.front() == sequence.front() && text.starts_with(sequence);
  };
  if (const auto* const found = std::ranges::find_if(spaces, begins); found != spaces.end())
    return {found->size(), true};
  if (is_control(text.front())) return {1, false};
  if (const auto* const found = std::ranges::find_if(no_width, begins); found != no_width.end())
    return {found->size(), false};
  return {0, false};
}

/// Lower case, without what is not seen, quotes and backslashes. White space that is kept becomes blanks.
std::string bare(std::string_view text, Space space) {
  std::string out;
  while (!text.empty()) {
    const char c = text.front();
    if (is_seen_ascii(c)) {
      if (c != '"' && c != '\\') out += c;
      text.remove_prefix(1);
      continue;
    }
    const Unseen here = unseen(text);
    if (here.length == 0) out += c;
    if (here.is_space && space == Space::kept) out += ' ';
    text.remove_prefix(std::max<std::size_t>(here.length, 1));
  }
  return core::ascii_lower(out);
}

bool is_domain_like(char c) noexcept {
  return is_ascii_alphanumeric(c) || c == '-' || c == '_' || c == '.' || !is_ascii(c);
}

bool all_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, is_ascii);
}

/// Converts the non-ASCII names in a text, within the bound.
class Converter {
public:
  explicit Converter(core::ToAscii to_ascii) noexcept : to_ascii_(to_ascii) {}

  std::string convert(std::string_view text) {
    std::string out;
    FieldCursor cursor(text);
    while (!cursor.at_end()) {
      out += cursor.run([](char c) noexcept { return !is_domain_like(c); });
      out += converted_run(cursor.run(is_domain_like));
    }
    return core::ascii_lower(out);
  }

  bool exhausted() const noexcept { return exhausted_; }

  bool unconverted() const noexcept { return unconverted_; }

private:
  std::optional<std::string> ask(std::string_view name) {
    if (left_ == 0) {
      exhausted_ = true;
      return std::nullopt;
    }
    --left_;
    return to_ascii_(name);
  }

  std::string converted_run(std::string_view run) {
    if (all_ascii(run)) return std::string(run);
    if (auto whole = ask(run)) return std::move(*whole);
    std::string out;
    while (true) {
      const auto dot = run.find('.');
      const auto label = run.substr(0, dot);
      if (all_ascii(label)) {
        out += label;
      } else if (const auto converted = ask(label)) {
        out += *converted;
      } else {
        out += label;
        unconverted_ = true;
      }
      if (dot == std::string_view::npos) return out;
      out += '.';
      run.remove_prefix(dot + 1);
    }
  }

  core::ToAscii to_ascii_;
  std::size_t left_ = max_conversions;
  bool exhausted_ = false;
  bool unconverted_ = false;
};

void add_new(std::vector<std::string>& texts, std::string text) {
  if (std::ranges::find(texts, text) == texts.end()) texts.push_back(std::move(text));
}

} // namespace

Readings lenient_readings(std::string_view text, core::ToAscii to_ascii) {
  Readings readings;
  readings.texts.push_back(core::ascii_lower(text));
  for (const std::string& form : {std::string(text), without_pairs(text), without_comments(text)}) {
    add_new(readings.texts, bare(form, Space::kept));
    add_new(readings.texts, bare(form, Space::dropped));
  }
  if (all_ascii(text)) return readings;
  if (to_ascii == nullptr) {
    readings.unconverted = true;
    return readings;
  }
  Converter converter(to_ascii);
  const std::size_t unconverted = readings.texts.size();
  for (std::size_t i = 0; i < unconverted; ++i)
    add_new(readings.texts, converter.convert(readings.texts[i]));
  readings.exhausted = converter.exhausted();
  readings.unconverted = converter.unconverted();
  return readings;
}

std::string outside_comments(std::string_view text) {
  return bare(without_comments(text), Space::dropped);
}

} // namespace danegate::milter
