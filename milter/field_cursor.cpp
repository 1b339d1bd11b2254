#include "milter/field_cursor.h"

namespace danegate::milter {
namespace {

/// What may stand in comments, quoted strings and behind a backslash, line breaks apart. Octets above 127 are let pass
/// whatever their charset.
bool is_text(char c) noexcept {
  return c == '\t' || !is_control(c);
}

bool is_line_end(char c) noexcept {
  return c == '\r' || c == '\n';
}

} // namespace

void FieldCursor::fail() noexcept {
  failed_ = true;
  position_ = text_.size();
}

bool FieldCursor::take(char expected) noexcept {
  if (at_end() || text_[position_] != expected) return false;
  ++position_;
  return true;
}

void FieldCursor::skip_line_break() noexcept {
  take('\r');
  if (!take('\n')) return fail();
  if (!at_end() && !is_white_space(text_[position_])) fail();
}

char FieldCursor::quoted_pair() noexcept {
  ++position_;
  if (at_end() || !is_text(text_[position_])) {
    fail();
    return '\0';
  }
  return text_[position_++];
}

void FieldCursor::skip_comment() noexcept {
  std::size_t depth = 0;
  do {
    const char c = peek();
    if (at_end()) return fail();
    if (is_line_end(c)) {
      skip_line_break();
    } else if (c == '\\') {
      quoted_pair();
    } else if (!is_text(c)) {
      return fail();
    } else {
      if (c == '(') ++depth;
      if (c == ')') --depth;
      ++position_;
    }
  } while (depth > 0);
}

void FieldCursor::skip_cfws() noexcept {
  while (!at_end()) {
    const char c = peek();
    if (is_white_space(c))
      ++position_;
    else if (is_line_end(c))
      skip_line_break();
    else if (c == '(')
      skip_comment();
    else
      return;
  }
}

std::string FieldCursor::quoted_string() {
  std::string text;
  if (!take('"')) fail();
  while (!at_end()) {
    const char c = peek();
    if (take('"')) return text;
    if (is_line_end(c)) {
      skip_line_break();
    } else if (c == '\\') {
      text += quoted_pair();
    } else if (!is_text(c)) {
      break;
    } else {
      text += c;
      ++position_;
    }
  }
  fail();
  return {};
}

std::string FieldCursor::domain_literal() {
  std::string text = "[";
  if (!take('[')) fail();
  while (!at_end()) {
    const char c = peek();
    if (take(']')) return text += ']';
    if (is_line_end(c)) {
      skip_line_break();
    } else if (c == '[' || c == '\\' || !is_text(c)) {
      break;
    } else {
      if (!is_white_space(c)) text += c;
      ++position_;
    }
  }
  fail();
  return {};
}

std::string_view FieldCursor::run(bool (*belongs)(char) noexcept) noexcept {
  const std::size_t start = position_;
  while (!at_end() && belongs(text_[position_]))
    ++position_;
  return text_.substr(start, position_ - start);
}

} // namespace danegate::milter
