#include "daemon/ctl/tlsa_advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace danegate::ctl {

namespace {

using core::TlsaRecord;

constexpr std::string_view needs_chain = "usages 0 and 2 name an issuing certificate, and no mail server shows the "
                                         "client's chain to danegate";
constexpr std::string_view needs_trust = "usage 1 needs the certificate itself and the mail server's trust in its "
                                         "chain, and neither Postfix nor Sendmail shows that";

/// The digit, if it is at most `most`.
std::optional<std::uint8_t> digit(char c, std::uint8_t most) noexcept {
  if (c < '0' || c > '9') return std::nullopt;
  const auto value = static_cast<std::uint8_t>(c - '0');
  return value <= most ? std::optional(value) : std::nullopt;
}

} // namespace

std::string TlsaKind::text() const {
  return fmt::format("{} {} {}", usage, selector, matching);
}

std::expected<TlsaKind, std::string> parse_kind(std::string_view text) {
  const bool spaced = text.size() == 5 && text[1] == ' ' && text[3] == ' ';
  if (spaced || text.size() == 3) {
    const std::size_t step = spaced ? 2 : 1;
    const auto usage = digit(text[0], TlsaRecord::dane_ee);
    const auto selector = digit(text[step], TlsaRecord::spki);
    const auto matching = digit(text[2 * step], TlsaRecord::sha2_512);
    if (usage && selector && matching) return TlsaKind{*usage, *selector, *matching};
  }
  return std::unexpected(fmt::format("--usage: expected certificate usage (0 to 3), selector (0, 1) and matching type "
                                     "(0 to 2) such as \"3 1 1\" or 311, found \"{}\"",
                                     text));
}

std::string_view why_useless(const TlsaKind& kind) noexcept {
  if (kind.usage == TlsaRecord::pkix_ta || kind.usage == TlsaRecord::dane_ta) return needs_chain;
  if (kind.usage == TlsaRecord::pkix_ee) return needs_trust;
  return {};
}

std::vector<std::string_view> warnings_on(const TlsaKind& kind) {
  std::vector<std::string_view> warnings;
  if (const auto useless = why_useless(kind); !useless.empty()) warnings.push_back(useless);
  if (kind.selector == TlsaRecord::cert)
    warnings.emplace_back(
        "selector 0 is of the certificate: the record changes with each renewal, and a raw public key "
        "cannot match it");
  if (kind.matching == TlsaRecord::sha2_512)
    warnings.emplace_back("matching type 2 is SHA-512: a mail server that shows SHA-256, as Postfix does unless told "
                          "otherwise, cannot compare it");
  if (kind.matching == TlsaRecord::full)
    warnings.emplace_back("matching type 0 is the data in full: large answers do not always get through (RFC 7671 "
                          "section 10.1)");
  return warnings;
}

std::expected<TlsaRecord, std::string> make_record(const TlsaKind& kind, const Published& published,
                                                   core::HashFunction hash) {
  const bool of_certificate = kind.selector == TlsaRecord::cert;
  if (of_certificate && published.certificate_der.empty())
    return std::unexpected(fmt::format("\"{}\" is made of a certificate, and there is only a key", kind.text()));
  TlsaRecord record{kind.usage, kind.selector, kind.matching,
                    of_certificate ? published.certificate_der : published.spki_der};
  if (kind.matching == TlsaRecord::full) return record;
  const auto algorithm =
      kind.matching == TlsaRecord::sha2_512 ? core::DigestAlgorithm::sha512 : core::DigestAlgorithm::sha256;
  record.data = hash(algorithm, record.data);
  if (record.malformed()) return std::unexpected("the digest could not be computed");
  return record;
}

} // namespace danegate::ctl
