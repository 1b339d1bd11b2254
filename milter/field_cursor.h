// Walks through the value of a structured header field (RFC 5322 section 3.2): what the parsers of this room share.
//
// A value is as a milter gets it: folded lines are parted by LF or CRLF and begin with white space. A line break with
// anything else behind it is no folding, and is refused, like a lone CR, NUL, and every other control character but the
// tab: somebody else would read such a value differently. Comments nest, by a counter.
//
// Failure is sticky: after fail() the cursor stands at the end and every further step finds nothing, so a parser may go
// on to its end and ask failed() once there. Each step takes time linear in what it passes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace danegate::milter {

class FieldCursor {
public:
  /// `text` must outlive the cursor.
  explicit FieldCursor(std::string_view text) noexcept : text_(text) {}

  bool failed() const noexcept { return failed_; }

  void fail() noexcept;

  bool at_end() const noexcept { return position_ >= text_.size(); }

  /// '\0' at the end; a NUL in the text is no part of any token, so nothing takes it for one.
  char peek() const noexcept { return at_end() ? '\0' : text_[position_]; }

  /// Passes `expected` if it stands here.
  bool take(char expected) noexcept;

  /// Passes comments and folding white space. Fails at a comment without an end.
  void skip_cfws() noexcept;

  /// Passes a quoted string, which must begin here, and returns what it stands for: without the quotes, the backslashes
  /// of quoted pairs and the line breaks of folding. Fails if it has no end.
  std::string quoted_string();

  /// Passes a domain literal, which must begin here: "[", text without "[" and "]", "]"; white space is left out.
  std::string domain_literal();

  /// Passes the characters that belong; empty where the first does not.
  std::string_view run(bool (*belongs)(char) noexcept) noexcept;

private:
  void skip_line_break() noexcept;
  void skip_comment() noexcept;
  char quoted_pair() noexcept;

  std::string_view text_;
  std::size_t position_ = 0;
  bool failed_ = false;
};

constexpr bool is_white_space(char c) noexcept {
  return c == ' ' || c == '\t';
}

constexpr bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

constexpr bool is_ascii_alphanumeric(char c) noexcept {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

constexpr bool is_ascii(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x80;
}

/// ASCII control characters, the tab and line ends among them.
constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
}

} // namespace danegate::milter
