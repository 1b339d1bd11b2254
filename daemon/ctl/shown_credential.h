// The credential of a command line as evidence: what a mail server would show of it. Pure.
#pragma once

#include "daemon/core/evidence.h"
#include "daemon/ctl/usability.h"

#include <expected>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::ctl {

/// "postfix", "sendmail" or "exim" (`--as`).
std::optional<Shown> mail_server_named(std::string_view word) noexcept;

/// A certificate as that mail server shows it; as postfix_raw_key, its key alone.
core::Evidence evidence_of_certificate(const core::Certificate& certificate, Shown shown, core::HashFunction hash);

/// A raw public key (DER SubjectPublicKeyInfo).
core::Evidence evidence_of_key(core::ByteView spki_der, core::HashFunction hash);

/// "cert:HEX" is a certificate's fingerprint, "key:HEX" a key's, and plain HEX may be either; with colons or without.
/// The error is for people.
std::expected<core::Evidence, std::string> evidence_of_digest(std::string_view text);

} // namespace danegate::ctl
