// Reads one incoming Authentication-Results field (RFC 8601 section 2.2), and decides whether it has to go before
// danegate adds its own (section 5).
//
// The parser follows the ABNF to the letter, with these harmless deviations: elements that are empty or left out behind
// ";", a reason behind properties, "_" in keywords, dots anywhere in a local part, no white space behind a quoted
// string or before a version. Everything else cannot be parsed; nothing is guessed. Control characters, NUL, and octets
// that are not UTF-8 (outside comments) cannot either. No recursion, linear time.
//
// Who forges such a field wants a reader behind us to take it for ours. Such readers are not always strict, so the
// decision is made on what the field says, and where that is in doubt on what somebody might find in it. It is only
// about fields that came in: ask before the own field is added.
#pragma once

#include "daemon/core/ports.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::milter {

/// A value that is longer cannot be parsed.
inline constexpr std::size_t max_auth_results = 64UL * 1024;

/// Everything as sent, but unquoted and without comments; letter case as sent.
struct AuthResults {
  struct Property {
    std::string type; ///< "smtp" of smtp.mailfrom=...
    std::string name;
    std::string value;
  };

  struct Method {
    std::string name;
    std::string version; ///< digits; empty: none given
    std::string result;
    std::string reason; ///< empty: none given
    std::vector<Property> properties;
  };

  std::string authserv_id;
  std::string version;         ///< digits; empty: none given, which means 1
  std::vector<Method> methods; ///< none where the field says "none", or nothing
};

/// nullopt: it cannot be parsed.
std::optional<AuthResults> parse_auth_results(std::string_view value);

enum class Removal : std::uint8_t {
  own, ///< fields that speak, or may speak, of our method under our authserv-id
  all, ///< these, every other field under our authserv-id, and what cannot be parsed and contains it
};

/// Whether the field with this value is to be removed. `authserv_id` is ours; nothing is under an empty one.
///
/// A field that parses is judged by its authserv-id alone at first: a foreign one stays, whatever it says. Ours are
/// those that equal it without letter case, trailing dots and white space, or by their A-labels; and those that contain
/// ours and can be no name, being quoted strings with other than a token in them ("mx.example.net;": who looks for ";"
/// before quotes finds ours) or UTF-8 without A-labels. With `own`, a
/// field under our id goes as a whole if one of its methods is x-dane-client (any letter case, any method or field
/// version), or if outside its comments `x-dane-client=`, with or without a method version, stands anywhere, as in
/// reason="x-dane-client=pass": a reader who looks for that text would find it. The mere word, as in
/// smtp.mailfrom=x-dane-client@evil.example, is no reason to go: it would let a client delete what other filters of
/// this host found out about it, with a sender of its choice. (With a sender that has the "=" too it still can; a
/// forged pass of ours is the greater harm.)
///
/// A field that cannot be parsed, whoever it is from, goes if `x-dane-client` stands anywhere in it, comments included,
/// in any of the readings of lenient_text.h; with `all`, also if our authserv-id does, or may.
bool is_to_be_removed(std::string_view value, std::string_view authserv_id, Removal policy, core::ToAscii to_ascii);

} // namespace danegate::milter
