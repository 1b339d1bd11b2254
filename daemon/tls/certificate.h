// X.509 certificates into core::Certificate, by OpenSSL.
//
// Nothing is verified here: a certificate is an envelope around a key until a TLSA record matches. Any thread.
#pragma once

#include "daemon/core/evidence.h"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace danegate::tls {

inline constexpr std::size_t max_certificate = 64 * 1024;   ///< octets of DER
inline constexpr std::size_t max_pem = 4 * max_certificate; ///< octets of a PEM file, with what stands around the block
inline constexpr std::size_t max_common_name = 255;         ///< octets of UTF-8; a longer CN counts as none

enum class CertificateError : std::uint8_t {
  too_large,
  not_pem,           ///< no CERTIFICATE block
  not_a_certificate, ///< not X.509 in DER
  trailing_data,
  bad_key_encoding, ///< the SubjectPublicKeyInfo is not DER: its digest would be a matter of opinion
  bad_names,        ///< a subjectAltName that cannot be read, or two of them
};

std::string_view describe(CertificateError error) noexcept;

/// The common name is the first CN of the subject; empty if there is none, or if it is longer than max_common_name,
/// cannot be UTF-8 or holds a NUL or control character. Of the subjectAltName, dNSNames count that core::DnsName takes:
/// no wildcards, no addresses, nothing with a NUL inside.
std::expected<core::Certificate, CertificateError> parse_certificate(core::ByteView der);

/// The first CERTIFICATE block of the text.
std::expected<core::Certificate, CertificateError> parse_pem_certificate(std::string_view pem);

/// For the operator's tool: a file in PEM or DER. The error is for people.
std::expected<core::Certificate, std::string> read_certificate(const std::string& file);

} // namespace danegate::tls
