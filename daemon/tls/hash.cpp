#include "daemon/tls/hash.h"

#include "daemon/tls/openssl_handles.h"

#include <openssl/evp.h>

namespace danegate::tls {

namespace {

const EVP_MD* method(core::DigestAlgorithm algorithm) noexcept {
  switch (algorithm) {
  case core::DigestAlgorithm::md5: return EVP_md5();
  case core::DigestAlgorithm::sha1: return EVP_sha1();
  case core::DigestAlgorithm::sha256: return EVP_sha256();
  case core::DigestAlgorithm::sha384: return EVP_sha384();
  case core::DigestAlgorithm::sha512: return EVP_sha512();
  }
  return nullptr; // not a DigestAlgorithm
}

} // namespace

core::Bytes hash(core::DigestAlgorithm algorithm, core::ByteView data) {
  const CleanErrorQueue errors;
  const EVP_MD* const md = method(algorithm);
  if (md == nullptr) return {};
  core::Bytes digest(EVP_MAX_MD_SIZE);
  unsigned length = 0;
  if (EVP_Digest(data.data(), data.size(), digest.data(), &length, md, nullptr) != 1) return {};
  digest.resize(length);
  return digest;
}

} // namespace danegate::tls
