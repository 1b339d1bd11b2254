// The request side of Postfix's SMTPD policy protocol (SMTPD_POLICY_README): "name=value" lines, ended by an empty
// line.
//
// Pure. RequestScanner reads a buffer that grows, each line once, and raises every error as soon as it can be seen: one
// octet more than allowed is an error at once, not when the peer gets to the empty line. Request is what it has read.
//
// Attributes may come in any order; names that we do not know are skipped; those that we know may be missing, as older
// Postfix does not send them all. What is refused is what could make us judge something that the mail server did not
// mean: a NUL, a line without "=", a request that is not "smtpd_access_policy", and an attribute that we use given
// twice with different values, which is what a newline smuggled through an unquoting mail server (Exim's ${readsocket)
// looks like. Whoever speaks to us is to blame for an error, and the connection is closed: there is no reply for it.
//
// Lines end in LF. One CR before it is taken off, for people who test by hand; Postfix never sends it, and a value that
// ends in CR loses nothing that we look at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string_view>

namespace danegate::policy {

/// What is read of a request. Every other attribute is skipped.
enum class Attribute : std::uint8_t {
  request,
  protocol_state,
  client_address,
  client_name,
  client_port,
  server_address,
  server_port,
  helo_name,
  sender,
  recipient,
  recipient_count,
  queue_id,
  instance,
  sasl_method,
  sasl_username,
  ccert_subject,
  ccert_issuer,
  ccert_fingerprint,
  ccert_pubkey_fingerprint,
  encryption_protocol,
  encryption_cipher,
  policy_context,
};

inline constexpr std::size_t attribute_count = 22;

/// The name on the wire.
std::string_view name_of(Attribute attribute) noexcept;

enum class RequestError : std::uint8_t {
  too_large,           ///< more octets than limits.request-bytes
  line_too_long,       ///< more than RequestScanner::max_line octets
  too_many_attributes, ///< more lines than RequestScanner::max_attributes
  nul_octet,
  no_equals_sign, ///< a line without "=", or without a name before it
  wrong_request,  ///< "request" missing or not "smtpd_access_policy"
  contradiction,  ///< an attribute that is used came twice with different values
};

/// One word, for keys in the log.
std::string_view token(RequestError error) noexcept;
/// The rule or bound that was broken, for people.
std::string_view describe(RequestError error) noexcept;

/// One complete request. A view of the text that it was read from: good while that text stays as it is, so never kept
/// across a suspension.
class Request {
public:
  /// `text` is one request with its empty line.
  static std::expected<Request, RequestError> parse(std::string_view text);

  bool has(Attribute attribute) const noexcept {
    return values_[static_cast<std::size_t>(attribute)].data() != nullptr;
  }

  /// Empty if it was not sent.
  std::string_view get(Attribute attribute) const noexcept { return values_[static_cast<std::size_t>(attribute)]; }

private:
  friend class RequestScanner;
  Request() = default;

  std::array<std::string_view, attribute_count> values_{}; ///< null: not sent
};

class RequestScanner {
public:
  /// Octets of one line without its line end. Postfix's longest are sender and recipient, at most its
  /// line_length_limit (2048), and a CN of 255 octets as xtext (765).
  static constexpr std::size_t max_line = 8192;
  /// Lines of one request; Postfix 3.10 sends 31.
  static constexpr std::size_t max_attributes = 200;

  /// `max_octets`: of a whole request, its empty line included.
  explicit RequestScanner(std::size_t max_octets) noexcept : max_octets_(max_octets) {}

  /// `buffer` begins with what the call before was given. The length of the first request, its empty line included, or
  /// nullopt if its end has not come. After a result that is not nullopt, a new scanner begins the next request.
  std::expected<std::optional<std::size_t>, RequestError> scan(std::string_view buffer) noexcept;

  /// The request whose length scan() has given; `buffer` begins with it, wherever it is by now.
  std::expected<Request, RequestError> request(std::string_view buffer) const noexcept;

private:
  /// Of a value in the buffer. No request is as long as 4 GiB: max_attributes lines of max_line.
  struct Place {
    std::uint32_t begin = 0; ///< 0: not sent, as a value has a name before it
    std::uint32_t length = 0;
  };

  std::optional<RequestError> take_line(std::string_view buffer, std::string_view line) noexcept;

  std::size_t max_octets_;
  std::size_t scanned_ = 0;
  std::size_t line_start_ = 0;
  std::size_t lines_ = 0;
  std::array<Place, attribute_count> places_{};
};

/// Where in the SMTP dialogue Postfix asks.
enum class Stage : std::uint8_t {
  before_mail,   ///< CONNECT, HELO, EHLO: no mail to judge, and before STARTTLS no evidence
  other_command, ///< VRFY, ETRN: no mail to judge
  mail,
  rcpt,
  data,
  end_of_message,
  unknown, ///< missing or a word of a later Postfix
};

/// Of a protocol_state; letter case does not matter.
Stage stage_of(std::string_view protocol_state) noexcept;

} // namespace danegate::policy
