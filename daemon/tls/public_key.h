// Public keys out of files that people have: for the operator's tool.
//
// A private key is read for its public half only; what was read of it is wiped. Any thread.
#pragma once

#include "daemon/core/ports.h"

#include <expected>
#include <string>
#include <string_view>

namespace danegate::tls {

/// The DER SubjectPublicKeyInfo of the first key in the text, PEM (PUBLIC KEY, PRIVATE KEY and the older forms) or DER;
/// encoded anew, as TLS libraries do when they send a raw public key. The error is for people. An encrypted key is one:
/// nobody is asked for a passphrase.
std::expected<core::Bytes, std::string> parse_public_key(std::string_view text);

/// The same from a file, at most max_pem octets (certificate.h).
std::expected<core::Bytes, std::string> read_public_key(const std::string& file);

} // namespace danegate::tls
