#include "daemon/tls/new_credential.h"

#include "daemon/tls/openssl_handles.h"

#include <openssl/pem.h>
#include <openssl/rand.h>

#include <array>
#include <ctime>

namespace danegate::tls {

namespace {

using ExtensionHandle = std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>>;
using NumberHandle = std::unique_ptr<BIGNUM, Deleter<BN_free>>;

constexpr std::size_t max_cn = 64;                // ub-common-name
constexpr std::size_t serial_octets = 16;         // at most 20, and not negative (RFC 5280 section 4.1.2.2)
constexpr long before_now = -24L * 60 * 60;       // for peers whose clock is behind
constexpr const char* no_end = "99991231235959Z"; // RFC 5280 section 4.1.2.5

bool add_extension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  std::array<unsigned char, serial_octets> octets{};
  if (RAND_bytes(octets.data(), static_cast<int>(octets.size())) != 1) return false;
  octets[0] = static_cast<unsigned char>((octets[0] & 0x3F) | 0x40); // positive, and of full length
  const NumberHandle number(BN_bin2bn(octets.data(), static_cast<int>(octets.size()), nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_names(X509* certificate, const std::string& name) {
  X509_NAME* const subject = X509_get_subject_name(certificate);
  const bool has_cn = name.size() <= max_cn;
  const auto* const text = reinterpret_cast<const unsigned char*>(name.data());
  if (has_cn && X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_ASC, text, static_cast<int>(name.size()),
                                           -1, 0) != 1)
    return false;
  if (X509_set_issuer_name(certificate, subject) != 1) return false;
  // Critical where there is no subject (RFC 5280 section 4.2.1.6).
  return add_extension(certificate, NID_subject_alt_name, (has_cn ? "DNS:" : "critical,DNS:") + name);
}

CertificateHandle self_signed(EVP_PKEY* key, const std::string& name) {
  CertificateHandle certificate(X509_new());
  X509* const raw = certificate.get();
  const bool made = raw && X509_set_version(raw, X509_VERSION_3) == 1 && set_serial(raw) &&
                    X509_gmtime_adj(X509_getm_notBefore(raw), before_now) != nullptr &&
                    ASN1_TIME_set_string_X509(X509_getm_notAfter(raw), no_end) == 1 && X509_set_pubkey(raw, key) == 1 &&
                    set_names(raw, name) && add_extension(raw, NID_basic_constraints, "critical,CA:FALSE") &&
                    add_extension(raw, NID_key_usage, "critical,digitalSignature") &&
                    add_extension(raw, NID_ext_key_usage, "clientAuth") && X509_sign(raw, key, EVP_sha256()) > 0;
  return made ? std::move(certificate) : nullptr;
}

} // namespace

SecretBytes::~SecretBytes() {
  OPENSSL_cleanse(octets_.data(), octets_.size());
}

std::expected<SecretBytes, std::string> make_credential(const core::DnsName& name) {
  const CleanErrorQueue errors;
  const KeyHandle key(EVP_EC_gen("P-256"));
  if (!key) return std::unexpected("OpenSSL cannot make a key for P-256");
  const auto certificate = self_signed(key.get(), name.text());
  if (!certificate) return std::unexpected("OpenSSL cannot make a certificate for this name");
  const BioHandle memory(BIO_new(BIO_s_secmem()));
  char* text = nullptr;
  if (!memory || PEM_write_bio_PKCS8PrivateKey(memory.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1 ||
      PEM_write_bio_X509(memory.get(), certificate.get()) != 1)
    return std::unexpected("OpenSSL cannot write the key");
  const auto length = BIO_get_mem_data(memory.get(), &text);
  return SecretBytes(core::Bytes(text, text + length));
}

} // namespace danegate::tls
