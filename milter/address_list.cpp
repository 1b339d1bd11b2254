#include "milter/address_list.h"

#include "milter/field_cursor.h"

#include <cstddef>
#include <utility>

namespace danegate::milter {
namespace {

/// atext of RFC 5322 section 3.2.3, and every octet above 127 whatever its charset: a domain is judged later.
bool is_atext(char c) noexcept {
  constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~";
  return is_ascii_alphanumeric(c) || !is_ascii(c) || marks.contains(c);
}

/// Atoms, quoted strings and dots in a row: a phrase, or a local part.
struct Words {
  AddrSpec spec;
  std::size_t count = 0;
  bool adjacent = false; ///< two of them have no dot between them: no local part then

  bool is_local_part() const noexcept { return count > 0 && !adjacent; }
};

class Parser {
public:
  explicit Parser(std::string_view value) noexcept : cursor_(value) {}

  std::optional<std::vector<AddrSpec>> parse() {
    while (!cursor_.at_end()) {
      element();
      if (in_group_ && cursor_.take(';')) {
        in_group_ = false;
        cursor_.skip_cfws();
      }
      if (!cursor_.at_end() && !begins_group_ && !cursor_.take(',')) cursor_.fail();
    }
    if (cursor_.failed() || in_group_) return std::nullopt;
    return std::move(found_);
  }

private:
  void element() {
    begins_group_ = false;
    Words words = read_words();
    if (cursor_.take('<')) return angle_addr();
    if (cursor_.peek() == ':') return group(words);
    if (words.count == 0 && words.spec.local.empty()) return; // an empty element
    addr_spec(std::move(words));
  }

  /// Behind a group's ":" its first element follows without a separator.
  void group(const Words& name) noexcept {
    if (in_group_ || name.count == 0) return cursor_.fail();
    cursor_.take(':');
    in_group_ = true;
    begins_group_ = true;
  }

  Words read_words() {
    Words words;
    bool after_word = false;
    for (cursor_.skip_cfws(); !cursor_.at_end(); cursor_.skip_cfws()) {
      if (cursor_.take('.')) {
        words.spec.local += '.';
        after_word = false;
        continue;
      }
      if (cursor_.peek() == '"') {
        words.spec.local += cursor_.quoted_string();
        words.spec.quoted = true;
      } else {
        const auto atom = cursor_.run(is_atext);
        if (atom.empty()) break;
        words.spec.local += atom;
      }
      words.adjacent = words.adjacent || after_word;
      after_word = true;
      ++words.count;
    }
    return words;
  }

  void addr_spec(Words words) {
    if (!words.is_local_part()) return cursor_.fail();
    if (cursor_.take('@')) words.spec.domain = domain();
    found_.push_back(std::move(words.spec));
  }

  void angle_addr() {
    cursor_.skip_cfws();
    const bool routed = cursor_.peek() == '@' || cursor_.peek() == ',';
    if (routed) route();
    Words words = read_words();
    words.spec.routed = routed;
    addr_spec(std::move(words));
    if (!cursor_.take('>')) cursor_.fail();
    cursor_.skip_cfws();
  }

  void route() {
    while (!cursor_.at_end() && !cursor_.take(':')) {
      if (cursor_.take('@'))
        domain();
      else if (!cursor_.take(','))
        cursor_.fail();
      cursor_.skip_cfws();
    }
  }

  std::string domain() {
    cursor_.skip_cfws();
    std::string text;
    if (cursor_.peek() == '[') {
      text = cursor_.domain_literal();
      cursor_.skip_cfws();
      return text;
    }
    do {
      const auto atom = cursor_.run(is_atext);
      if (atom.empty()) {
        if (text.empty()) cursor_.fail();
        return text;
      }
      text += atom;
      cursor_.skip_cfws();
    } while (take_dot(text));
    return text;
  }

  bool take_dot(std::string& text) {
    if (!cursor_.take('.')) return false;
    text += '.';
    cursor_.skip_cfws();
    return true;
  }

  FieldCursor cursor_;
  std::vector<AddrSpec> found_;
  bool in_group_ = false;
  bool begins_group_ = false;
};

} // namespace

std::optional<std::vector<AddrSpec>> parse_address_list(std::string_view value) {
  return Parser(value).parse();
}

} // namespace danegate::milter
