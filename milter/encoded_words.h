// Decodes the encoded words of a header field (RFC 2047), wherever they stand and as leniently as mail readers do.
//
// Not for display: the text is searched for names afterwards. So a charset is needed only as far as that: the octets of
// charsets that have ASCII in its own place are left as they are, Latin-1's are turned into UTF-8 where the charset
// says so. A reader's leniencies are taken along: encoded words inside quoted strings or next to other text, with white
// space in them, with base64 that is not padded or has other characters in between. What readers decode differently is
// said to be incomplete. Time is linear.
#pragma once

#include <string>
#include <string_view>

namespace danegate::milter {

struct DecodedText {
  std::string text; ///< any octets, NUL and line ends among them
  /// false: an encoded word's charset (UTF-7, UTF-16, ISO-2022, unknown) hides its text from us, or its base64 is none
  /// that every reader decodes alike.
  bool complete = true;
};

/// What is no encoded word stays as it is; so does one whose charset is not known to contain ASCII.
DecodedText decode_encoded_words(std::string_view text);

} // namespace danegate::milter
