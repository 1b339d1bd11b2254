// One credential that is right and one that is not, with every digest of them that a mail server might send.
//
// Nothing in the core parses DER, so the octets of "certificate" and "key" are plain text, and the digests are those of
// coreutils: `printf %s 'danegate test certificate' | sha256sum` and its fellows.
#pragma once

#include "daemon/core/evidence.h"
#include "tests/core/builders.h"

#include <string_view>

namespace danegate::test {

namespace vectors {

inline constexpr std::string_view cert_text = "danegate test certificate";
inline constexpr std::string_view key_text = "danegate test key";

inline constexpr const char* cert_md5 = "91902e0b0f3dc2c15919ac9e18b66a82";
inline constexpr const char* cert_sha1 = "bd5fe79020ed4bf4dd32e4006759fff5dea3ec7f";
inline constexpr const char* cert_sha256 = "84435bf3c8628e7eec813791b0e8371f7dd3b9f53cd1b679705fccd60083dedb";
inline constexpr const char* cert_sha512 = "fcae535bb793fcea455ceac1c69a835ea6675f75aae8f002767eb37f86a1465a"
                                           "9b85ba929b78a7c7c94eaf45efdabab97f7b62ac89416a0014831694a28044da";
inline constexpr const char* key_md5 = "ae237e30b01e563ae5b7a90a112793f6";
inline constexpr const char* key_sha1 = "ce450e4a46d7961248803eb90126db453e1b26c4";
inline constexpr const char* key_sha256 = "3c53ed04beb96e7df7fd2f7fc07c53db3730c21856364c12170ff9d8c04b988a";
inline constexpr const char* key_sha512 = "ec916b3c10858eea9c2672487a27002603c39f5f5c6be4e134ae8439cc170cb2"
                                          "3206100eef5cffc427ea2db8503b1deb6daf84d09f83276f55e19c63cefbf2f4";

inline constexpr std::string_view other_cert_text = "another certificate";
inline constexpr std::string_view other_key_text = "another key";
inline constexpr const char* other_cert_sha256 = "e7299f2ba625dca719b99439c10a11204a797f41f4761ea1159b7b9f6df7b52b";
inline constexpr const char* other_key_sha256 = "2aa50b47c92342ddda1dccb774e50e497d759632db2c3a8b86b31a9d737f8151";
inline constexpr const char* other_key_sha512 = "3a58cf73b1189580364cbcbcf23233b466449fbdfb84e22cc711ea587976bd79"
                                                "093fb1ac1ac3a865948f19630de11741e1e9866ac79058073f96d84acd03a006";

/// What Exim hashes when no certificate came: the text tls_in_peercert.
inline constexpr const char* exim_sha256 = "5ac531111cf1f39655189204360a8a214e0bd1f8f2a7b8a1bb6d29b627cb4e6c";
inline constexpr const char* exim_sha512 = "45d2d27eebd0375b5a7dd9644b9a86cfdb11a0a3955eade7dc0ca6aa465ca6c1"
                                           "dafb3ff45e0a04fa6987cf5271387e60cf5dc479c0359f5449de766eb344bb6a";
inline constexpr const char* empty_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr const char* empty_sha384 = "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da"
                                            "274edebfe76f65fbd51ad2f14898b95b";

} // namespace vectors

inline Certificate right_certificate() {
  return {octets(vectors::cert_text), octets(vectors::key_text), "mta1.acme.example", {}};
}

/// As Postfix describes a client certificate.
inline Evidence both_digests() {
  Evidence e;
  e.tls = true;
  e.tls_version = "TLSv1.3";
  e.certificate_digest = digest(vectors::cert_sha256);
  e.key_digest = digest(vectors::key_sha256);
  return e;
}

inline TlsaRecord right_key() {
  return record(3, 1, 1, from_hex(vectors::key_sha256));
}

inline TlsaRecord other_key() {
  return record(3, 1, 1, from_hex(vectors::other_key_sha256));
}

/// Usage 2 cannot be judged with digests.
inline TlsaRecord unusable_record() {
  return record(2, 1, 1, from_hex(vectors::key_sha256));
}

} // namespace danegate::test
