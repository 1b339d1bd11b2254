#include "daemon/core/roster_digests.h"

#include <functional>
#include <string_view>

namespace danegate::core {

namespace {

DigestIndex::Key key_of(std::uint8_t selector, ByteView digest) noexcept {
  // NOLINTNEXTLINE: octets as characters, for the hash only
  const std::string_view text(reinterpret_cast<const char*>(digest.data()), digest.size());
  return std::hash<std::string_view>{}(text) ^ (selector == TlsaRecord::cert ? 0 : ~DigestIndex::Key{0});
}

constexpr auto indexed = {DigestAlgorithm::sha256, DigestAlgorithm::sha512};

void add_keys(std::vector<DigestIndex::Key>& keys, std::uint8_t selector, ByteView data, HashFunction hash) {
  for (const auto algorithm : indexed)
    if (const auto digest = hash(algorithm, data); !digest.empty()) keys.push_back(key_of(selector, digest));
}

} // namespace

bool is_usable_by_digest(const TlsaRecord& record) noexcept {
  return record.usage == TlsaRecord::dane_ee && record.selector <= TlsaRecord::spki &&
         record.matching <= TlsaRecord::sha2_512 && !record.malformed();
}

std::vector<DigestIndex::Key> keys_of(const TlsaRecord& record, HashFunction hash) {
  std::vector<DigestIndex::Key> keys;
  if (!is_usable_by_digest(record)) return keys;
  if (record.matching == TlsaRecord::full)
    add_keys(keys, record.selector, record.data, hash);
  else
    keys.push_back(key_of(record.selector, record.data));
  return keys;
}

std::vector<DigestIndex::Key> keys_of(const Evidence& evidence, HashFunction hash) {
  std::vector<DigestIndex::Key> keys;
  if (evidence.key_digest) keys.push_back(key_of(TlsaRecord::spki, evidence.key_digest->bytes()));
  if (evidence.certificate_digest) keys.push_back(key_of(TlsaRecord::cert, evidence.certificate_digest->bytes()));
  if (!evidence.certificate) return keys;
  add_keys(keys, TlsaRecord::spki, evidence.certificate->spki_der, hash);
  add_keys(keys, TlsaRecord::cert, evidence.certificate->der, hash);
  return keys;
}

bool are_related(const Identity& a, const Identity& b) {
  if (a.domain.is_within(b.domain) || b.domain.is_within(a.domain)) return true;
  const auto parent = a.domain.parent();
  return parent && parent->label_count() >= 2 && parent == b.domain.parent();
}

} // namespace danegate::core
