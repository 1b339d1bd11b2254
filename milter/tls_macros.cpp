#include "milter/tls_macros.h"

#include "daemon/core/xtext.h"

#include <utility>

namespace danegate::milter {

TlsMacros TlsMacros::read(const Macros& macros) {
  return {macros("{tls_version}"), macros("{cipher}"),   macros("{verify}"),
          macros("{cert_fp}"),     macros("{cert_md5}"), macros("{cn_subject}")};
}

core::Evidence TlsMacros::evidence() const {
  core::Evidence evidence;
  evidence.tls = tls();
  evidence.tls_version = version;
  evidence.cipher = cipher;
  evidence.chain_trusted = verify == "OK";
  const bool presented_none = verify == "NO" || verify == "NOT";
  const std::string& text = fingerprint.empty() ? md5 : fingerprint;
  evidence.complete = !evidence.tls || presented_none || !text.empty();
  if (text.empty() || presented_none) return evidence;
  if (auto digest = core::Digest::parse(text))
    evidence.certificate_digest = std::move(*digest);
  else
    evidence.defect =
        std::string(fingerprint.empty() ? "{cert_md5}: " : "{cert_fp}: ").append(core::describe(digest.error()));
  return evidence;
}

std::string TlsMacros::vouched_subject() const {
  if (verify != "OK") return {};
  auto text = core::decode_xtext(subject);
  if (!text || text->starts_with("BadCertificate")) return {};
  return std::move(*text);
}

} // namespace danegate::milter
