// Any octets as a certificate or as a key, in DER or as a PEM file.
#include "daemon/tls/certificate.h"
#include "daemon/tls/public_key.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"

#include <algorithm>

using namespace danegate;
using test::require;

namespace {

std::string base64(core::ByteView octets) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    unsigned long group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8U | (i + k < octets.size() ? octets[i + k] : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      text += i + k <= octets.size() ? digits[group >> (18 - 6 * k) & 63U] : '=';
    if (i % 48 == 45 || i + 3 >= octets.size()) text += '\n';
  }
  return text;
}

/// A SEQUENCE whose header promises more octets than there are.
bool is_cut(core::ByteView octets) {
  if (octets.size() < 2 || octets[0] != 0x30) return false;
  const std::size_t more = octets[1] < 0x80 ? 0 : octets[1] & 0x7fU; // octets of the length
  if (octets.size() < 2 + more) return true;
  std::size_t length = octets[1] < 0x80 ? octets[1] : 0;
  for (std::size_t i = 0; i < more; ++i)
    length = length << 8U | octets[2 + i];
  return length > octets.size() - 2 - more;
}

void look_at(const core::Certificate& certificate) {
  require(!certificate.spki_der.empty() && !std::ranges::search(certificate.der, certificate.spki_der).empty(),
          "the key is part of the certificate");
  require(certificate.common_name.size() <= tls::max_common_name, "the CN is bounded");
  require(std::ranges::none_of(certificate.common_name, [](unsigned char c) { return c < ' ' || c == 0x7f; }),
          "and has no control characters");
  for (const auto& name : certificate.dns_names)
    require(core::DnsName::parse(name.text()) == name, "names are names");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const core::ByteView octets{data, size};
  const auto pem = tls::parse_pem_certificate(test::text_of(data, size));
  if (pem) look_at(*pem);
  // OpenSSL looks for a millisecond before it says that there is no key: of what is cut, one in 64 has to do.
  const bool is_tried = !is_cut(octets) || size % 64 == 0;
  if (const auto key = tls::parse_public_key(is_tried ? test::text_of(data, size) : std::string()))
    require(tls::parse_public_key(test::text_of(key->data(), key->size())) == *key, "a key read is the key written");
  const auto der = tls::parse_certificate(octets);
  if (!der) return 0;
  require(std::ranges::equal(der->der, octets), "the whole of the octets");
  look_at(*der);
  core::Bytes more(data, data + size);
  more.push_back(0);
  require(!tls::parse_certificate(more), "no octet more");
  require(!tls::parse_certificate(octets.first(size - 1)), "and none less");
  const auto same =
      tls::parse_pem_certificate("-----BEGIN CERTIFICATE-----\n" + base64(octets) + "-----END CERTIFICATE-----\n");
  require(same && same->der == der->der && same->dns_names == der->dns_names && same->common_name == der->common_name,
          "PEM is the same in other clothes");
  return 0;
}
