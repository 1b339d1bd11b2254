// Short ways to write the values that the core's tests are about. Each throws where the text is not valid, so that a
// mistake in a test ends the test.
#pragma once

#include "daemon/core/auth_flow.h"
#include "tests/support/fake_idna.h"

#include <chrono>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace danegate::test {

using namespace core; // NOLINT(google-build-using-namespace): these are the core's own tests

inline DnsName dns_name(std::string_view text) {
  return DnsName::parse(text).value();
}

inline MailAddress address(std::string_view text) {
  return MailAddress::parse(text, std::nullopt, fake_to_ascii);
}

inline AddressPattern senders(std::string_view text) {
  return AddressPattern::parse(text, false, fake_to_ascii).value();
}

inline AddressPattern recipients(std::string_view text) {
  return AddressPattern::parse(text, true, fake_to_ascii).value();
}

inline IdentityPattern identities(std::string_view text) {
  return IdentityPattern::parse(text, fake_to_ascii).value();
}

inline Identity identity(std::string_view text) {
  return parse_identity(text, fake_to_ascii).value();
}

inline OwnerTemplate owner_template(std::string_view text) {
  return OwnerTemplate::parse(text).value();
}

inline IpAddress ip(std::string_view text) {
  return IpAddress::parse(text).value();
}

inline IpNetwork network(std::string_view text) {
  return IpNetwork::parse(text).value();
}

inline Digest digest(std::string_view hex) {
  return Digest::parse(hex).value();
}

inline Bytes octets(std::string_view text) {
  return {text.begin(), text.end()};
}

inline Bytes from_hex(std::string_view hex) {
  const auto nibble = [](char c) -> unsigned {
    if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
    if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a' + 10);
    throw std::invalid_argument("not lower-case hexadecimal");
  };
  if (hex.size() % 2 != 0) throw std::invalid_argument("odd number of digits");
  Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(nibble(hex[i]) * 16 + nibble(hex[i + 1])));
  return bytes;
}

inline TlsaRecord record(int usage, int selector, int matching, Bytes data) {
  return {static_cast<std::uint8_t>(usage), static_cast<std::uint8_t>(selector), static_cast<std::uint8_t>(matching),
          std::move(data)};
}

inline AnswerPtr answer_of(TlsaOutcome outcome, std::chrono::seconds ttl = std::chrono::seconds{3600}) {
  return std::make_shared<const TlsaAnswer>(TlsaAnswer{std::move(outcome), ttl});
}

inline AnswerPtr secure(std::vector<TlsaRecord> records, Wildcard wildcard = Wildcard::none) {
  return answer_of(Secure{std::move(records), 0, wildcard});
}

inline AnswerPtr absent() {
  return answer_of(Absent{});
}

inline AnswerPtr insecure() {
  return answer_of(Insecure{});
}

inline AnswerPtr bogus() {
  return answer_of(Bogus{"signature expired"});
}

inline AnswerPtr failed(FailureKind kind) {
  return answer_of(Failed{kind, "as the test says"});
}

} // namespace danegate::test
