#include "milter/auth_results.h"

#include "daemon/core/dns_name.h"
#include "milter/field_cursor.h"
#include "milter/utf8.h"

#include <utility>

namespace danegate::milter {
namespace {

/// RFC 5321's Keyword, and "_".
bool is_keyword_character(char c) noexcept {
  return is_ascii_alphanumeric(c) || c == '-' || c == '_';
}

/// What a token (RFC 2045 section 5.1, with the UTF-8 of RFC 6532) and a dot-atom share, and "/", "=" and "?", which
/// only the latter may have.
bool is_value_character(char c) noexcept {
  constexpr std::string_view specials = "()<>@,;:\\\"[]";
  return c > ' ' ? c <= '~' && !specials.contains(c) : !is_ascii(c);
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && text.find_first_of("/=?") == std::string_view::npos;
}

class Parser {
public:
  explicit Parser(std::string_view value) noexcept : cursor_(value) {}

  std::optional<AuthResults> parse() {
    cursor_.skip_cfws();
    field_.authserv_id = value();
    field_.version = digits();
    while (cursor_.take(';')) {
      cursor_.skip_cfws();
      if (!cursor_.at_end() && cursor_.peek() != ';') method();
    }
    if (!cursor_.at_end() || cursor_.failed() || (says_none_ && !field_.methods.empty())) return std::nullopt;
    return std::move(field_);
  }

private:
  // Each step passes the CFWS behind what it reads.

  std::string_view digits() noexcept {
    const auto text = cursor_.run(is_digit);
    cursor_.skip_cfws();
    return text;
  }

  std::string_view keyword() noexcept {
    const auto text = cursor_.run(is_keyword_character);
    if (text.empty()) cursor_.fail();
    cursor_.skip_cfws();
    return text;
  }

  std::string value() {
    std::string text;
    if (cursor_.peek() == '"') {
      text = cursor_.quoted_string();
    } else {
      text = cursor_.run(is_value_character);
      if (!is_token(text)) cursor_.fail();
    }
    if (!is_utf8(text)) cursor_.fail();
    cursor_.skip_cfws();
    return text;
  }

  /// A value, or [[local-part] "@"] domain-name.
  std::string property_value() {
    const bool quoted = cursor_.peek() == '"';
    std::string text = quoted ? cursor_.quoted_string() : std::string(cursor_.run(is_value_character));
    cursor_.skip_cfws();
    if (cursor_.take('@')) {
      cursor_.skip_cfws();
      const auto domain = cursor_.run(is_value_character);
      if (!is_token(domain)) cursor_.fail();
      text.append("@").append(domain);
      cursor_.skip_cfws();
    } else if (!quoted && !is_token(text)) {
      cursor_.fail();
    }
    if (!is_utf8(text)) cursor_.fail();
    return text;
  }

  void expect(char c) noexcept {
    if (!cursor_.take(c)) cursor_.fail();
    cursor_.skip_cfws();
  }

  void method() {
    AuthResults::Method method;
    method.name = keyword();
    if (core::ascii_iequals(method.name, "none") && (cursor_.at_end() || cursor_.peek() == ';')) {
      if (says_none_) cursor_.fail();
      says_none_ = true;
      return;
    }
    if (cursor_.take('/')) {
      cursor_.skip_cfws();
      method.version = digits();
      if (method.version.empty()) cursor_.fail();
    }
    expect('=');
    method.result = keyword();
    bool has_reason = false;
    while (!cursor_.at_end() && cursor_.peek() != ';')
      reason_or_property(method, has_reason);
    field_.methods.push_back(std::move(method));
  }

  void reason_or_property(AuthResults::Method& method, bool& has_reason) {
    const std::string word(keyword());
    if (cursor_.take('.')) {
      cursor_.skip_cfws();
      std::string name(keyword());
      expect('=');
      method.properties.push_back({word, std::move(name), property_value()});
      return;
    }
    if (has_reason || !core::ascii_iequals(word, "reason")) cursor_.fail();
    has_reason = true;
    expect('=');
    method.reason = value();
  }

  FieldCursor cursor_;
  AuthResults field_;
  bool says_none_ = false;
};

} // namespace

std::optional<AuthResults> parse_auth_results(std::string_view value) {
  if (value.size() > max_auth_results) return std::nullopt;
  return Parser(value).parse();
}

} // namespace danegate::milter
