#include "daemon/ctl/shown_credential.h"

#include <fmt/format.h>

namespace danegate::ctl {

namespace {

core::Evidence tls_session() {
  core::Evidence evidence;
  evidence.tls = true;
  return evidence;
}

std::optional<core::Digest> sha256_of(core::ByteView der, core::HashFunction hash) {
  const auto digest = core::Digest::parse(core::to_hex(hash(core::DigestAlgorithm::sha256, der)));
  return digest ? std::optional(*digest) : std::nullopt;
}

} // namespace

std::optional<Shown> mail_server_named(std::string_view word) noexcept {
  for (const auto shown : {Shown::postfix, Shown::sendmail, Shown::exim})
    if (token(shown) == word) return shown;
  return std::nullopt;
}

core::Evidence evidence_of_certificate(const core::Certificate& certificate, Shown shown, core::HashFunction hash) {
  auto evidence = tls_session();
  if (shown != Shown::postfix_raw_key) evidence.certificate_digest = sha256_of(certificate.der, hash);
  if (shown != Shown::sendmail) evidence.key_digest = sha256_of(certificate.spki_der, hash);
  if (shown == Shown::exim) evidence.certificate = certificate;
  return evidence;
}

core::Evidence evidence_of_key(core::ByteView spki_der, core::HashFunction hash) {
  auto evidence = tls_session();
  evidence.key_digest = sha256_of(spki_der, hash);
  return evidence;
}

std::expected<core::Evidence, std::string> evidence_of_digest(std::string_view text) {
  auto hex = text;
  const bool of_certificate = hex.starts_with("cert:");
  const bool of_key = hex.starts_with("key:");
  if (of_certificate || of_key) hex.remove_prefix(hex.find(':') + 1);
  const auto digest = core::Digest::parse(hex);
  if (!digest)
    return std::unexpected(
        fmt::format("--digest: expected hexadecimal digits of a fingerprint, with cert: or key: before "
                    "it or not, found \"{}\": {}",
                    text, describe(digest.error())));
  auto evidence = tls_session();
  if (!of_key) evidence.certificate_digest = *digest;
  if (!of_certificate) evidence.key_digest = *digest;
  return evidence;
}

} // namespace danegate::ctl
