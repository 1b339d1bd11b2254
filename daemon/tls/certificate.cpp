#include "daemon/tls/certificate.h"

#include "daemon/tls/openssl_handles.h"
#include "daemon/tls/pem_file.h"

#include <openssl/pem.h>

#include <algorithm>
#include <optional>
#include <utility>

namespace danegate::tls {

namespace {

core::ByteView view(const ASN1_STRING* text) noexcept {
  return {ASN1_STRING_get0_data(text), static_cast<std::size_t>(ASN1_STRING_length(text))};
}

/// C0, DEL, and C1 (which is 0xC2 0x80 to 0x9F in UTF-8).
bool has_control(std::string_view utf8) noexcept {
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    const auto octet = static_cast<unsigned char>(utf8[i]);
    if (octet < 0x20 || octet == 0x7F) return true;
    if (octet == 0xC2 && i + 1 < utf8.size() && static_cast<unsigned char>(utf8[i + 1]) < 0xA0) return true;
  }
  return false;
}

std::string common_name(const X509& certificate) {
  const X509_NAME* const subject = X509_get_subject_name(&certificate);
  const int place = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
  if (place < 0) return {};
  unsigned char* converted = nullptr;
  const int length = ASN1_STRING_to_UTF8(&converted, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, place)));
  if (length < 0) return {};
  const OpensslMemory<unsigned char> owned(converted);
  std::string name(reinterpret_cast<const char*>(converted), static_cast<std::size_t>(length));
  if (name.size() > max_common_name || has_control(name)) return {};
  return name;
}

/// nullopt if the extension is there and cannot be read.
std::optional<std::vector<core::DnsName>> dns_names(const X509& certificate) {
  int state = 0;
  const GeneralNamesHandle names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, &state, nullptr)));
  constexpr int no_such_extension = -1;
  if (!names)
    return state == no_such_extension ? std::optional<std::vector<core::DnsName>>(std::in_place) : std::nullopt;
  std::vector<core::DnsName> found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS) continue;
    const auto octets = view(name->d.dNSName);
    const std::string_view text(reinterpret_cast<const char*>(octets.data()), octets.size());
    if (auto parsed = core::DnsName::parse(text)) found.push_back(std::move(*parsed));
  }
  return found;
}

/// OpenSSL encodes the key anew; what it makes must stand in the certificate, or the two are not the same octets.
std::optional<core::Bytes> key_octets(const X509& certificate, core::ByteView der) {
  unsigned char* encoded = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(&certificate), &encoded);
  if (length <= 0) return std::nullopt;
  const OpensslMemory<unsigned char> owned(encoded);
  core::Bytes octets(encoded, encoded + length);
  if (std::ranges::search(der, octets).empty()) return std::nullopt;
  return octets;
}

std::expected<core::Bytes, CertificateError> first_block(std::string_view pem) {
  if (pem.size() > max_pem) return std::unexpected(CertificateError::too_large);
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return std::unexpected(CertificateError::not_pem);
  for (;;) {
    char* name = nullptr;
    char* header = nullptr;
    unsigned char* data = nullptr;
    long length = 0;
    if (PEM_read_bio(bio.get(), &name, &header, &data, &length) != 1) return std::unexpected(CertificateError::not_pem);
    const OpensslMemory<char> owned_name(name);
    const OpensslMemory<char> owned_header(header);
    const OpensslMemory<unsigned char> owned_data(data);
    if (std::string_view(name) == PEM_STRING_X509) return core::Bytes(data, data + length);
  }
}

} // namespace

std::string_view describe(CertificateError error) noexcept {
  switch (error) {
  case CertificateError::too_large: return "too large for a certificate";
  case CertificateError::not_pem: return "no CERTIFICATE block in PEM form";
  case CertificateError::not_a_certificate: return "not an X.509 certificate in DER form";
  case CertificateError::trailing_data: return "something follows the certificate";
  case CertificateError::bad_key_encoding: return "the public key is not in DER form";
  case CertificateError::bad_names: return "the subjectAltName cannot be read";
  }
  return "not a certificate";
}

std::expected<core::Certificate, CertificateError> parse_certificate(core::ByteView der) {
  const CleanErrorQueue errors;
  if (der.size() > max_certificate) return std::unexpected(CertificateError::too_large);
  const unsigned char* at = der.data();
  const CertificateHandle certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) return std::unexpected(CertificateError::not_a_certificate);
  if (at != der.data() + der.size()) return std::unexpected(CertificateError::trailing_data);
  auto key = key_octets(*certificate, der);
  if (!key) return std::unexpected(CertificateError::bad_key_encoding);
  auto names = dns_names(*certificate);
  if (!names) return std::unexpected(CertificateError::bad_names);
  return core::Certificate{.der = core::Bytes(der.begin(), der.end()),
                           .spki_der = std::move(*key),
                           .common_name = common_name(*certificate),
                           .dns_names = std::move(*names)};
}

std::expected<core::Certificate, CertificateError> parse_pem_certificate(std::string_view pem) {
  const CleanErrorQueue errors;
  const auto der = first_block(pem);
  if (!der) return std::unexpected(der.error());
  return parse_certificate(*der);
}

std::expected<core::Certificate, std::string> read_certificate(const std::string& file) {
  const auto text = read_pem_file(file);
  if (!text) return std::unexpected(text.error());
  constexpr char der_sequence = 0x30;
  const bool is_der = text->starts_with(der_sequence);
  const core::ByteView octets(reinterpret_cast<const std::uint8_t*>(text->data()), text->size());
  auto parsed = is_der ? parse_certificate(octets) : parse_pem_certificate(*text);
  if (!parsed) return std::unexpected(std::string(describe(parsed.error())));
  return std::move(*parsed);
}

} // namespace danegate::tls
