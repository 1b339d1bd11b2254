#include "daemon/tls/public_key.h"

#include "daemon/tls/certificate.h"
#include "daemon/tls/openssl_handles.h"
#include "daemon/tls/pem_file.h"

#include <openssl/pem.h>

#include <utility>

namespace danegate::tls {

namespace {

constexpr std::string_view encrypted = "the private key is encrypted, and no passphrase is asked for: give the public "
                                       "key (openssl pkey -in FILE -pubout) or the certificate";
constexpr std::string_view no_key = "neither a PUBLIC KEY nor a PRIVATE KEY block in PEM form, nor a key in DER form";

/// A block of a PEM file; its data may be secret.
struct Block {
  std::string name;
  std::string header;
  core::Bytes data;

  Block() = default;
  Block(const Block&) = delete;
  Block& operator=(const Block&) = delete;

  ~Block() { OPENSSL_cleanse(data.data(), data.size()); }
};

bool next_block(BIO* bio, Block& block) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* data = nullptr;
  long length = 0;
  if (PEM_read_bio(bio, &name, &header, &data, &length) != 1) return false;
  const OpensslMemory<char> owned_name(name);
  const OpensslMemory<char> owned_header(header);
  const OpensslMemory<unsigned char> owned_data(data);
  block.name = name;
  block.header = header;
  block.data.assign(data, data + length);
  OPENSSL_cleanse(data, static_cast<std::size_t>(length));
  return true;
}

std::expected<core::Bytes, std::string> encode(const KeyHandle& key) {
  if (!key) return std::unexpected("the key cannot be read");
  unsigned char* encoded = nullptr;
  const int length = i2d_PUBKEY(key.get(), &encoded);
  if (length <= 0) return std::unexpected("the public key cannot be encoded");
  const OpensslMemory<unsigned char> owned(encoded);
  return core::Bytes(encoded, encoded + length);
}

KeyHandle public_key(core::ByteView der) {
  const unsigned char* at = der.data();
  return KeyHandle(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
}

KeyHandle private_key(core::ByteView der) {
  const unsigned char* at = der.data();
  return KeyHandle(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(der.size())));
}

std::expected<core::Bytes, std::string> from_pem(std::string_view text) {
  const BioHandle bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  for (;;) {
    Block block;
    if (!bio || !next_block(bio.get(), block)) return std::unexpected(std::string(no_key));
    if (block.name == PEM_STRING_PUBLIC) return encode(public_key(block.data));
    if (!block.name.ends_with("PRIVATE KEY")) continue; // parameters of a curve, a certificate
    if (block.name == PEM_STRING_PKCS8 || block.header.contains("ENCRYPTED"))
      return std::unexpected(std::string(encrypted));
    return encode(private_key(block.data));
  }
}

std::expected<core::Bytes, std::string> from_der(std::string_view text) {
  const core::ByteView octets(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  if (auto key = public_key(octets)) return encode(key);
  if (auto key = private_key(octets)) return encode(key);
  return std::unexpected(std::string(no_key));
}

} // namespace

std::expected<core::Bytes, std::string> parse_public_key(std::string_view text) {
  const CleanErrorQueue errors;
  if (text.size() > max_pem) return std::unexpected("too large for a key");
  constexpr char der_sequence = 0x30;
  return text.starts_with(der_sequence) ? from_der(text) : from_pem(text);
}

std::expected<core::Bytes, std::string> read_public_key(const std::string& file) {
  auto text = read_pem_file(file);
  if (!text) return std::unexpected(std::move(text.error()));
  auto key = parse_public_key(*text);
  OPENSSL_cleanse(text->data(), text->size());
  return key;
}

} // namespace danegate::tls
