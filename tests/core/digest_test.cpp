#include "daemon/core/digest.h"

#include "daemon/tls/hash.h"
#include "tests/core/tlsa_vectors.h"
#include "tests/support/catch.h"

#include <map>

using namespace danegate::core;
using namespace danegate::test;

TEST_CASE("Digest: what openssl and certtool write is what hashing the credential gives") {
  const std::map<std::string, DigestAlgorithm> algorithms{{"md5", DigestAlgorithm::md5},
                                                          {"sha1", DigestAlgorithm::sha1},
                                                          {"sha256", DigestAlgorithm::sha256},
                                                          {"sha384", DigestAlgorithm::sha384},
                                                          {"sha512", DigestAlgorithm::sha512}};
  const auto rows = read_table("tlsa/digests.txt", 5);
  REQUIRE(rows.size() == credential_names.size() * (5 + 5 + 3));
  for (const auto& row : rows) {
    INFO(row[0] << ' ' << row[1] << ' ' << row[2] << ' ' << row[3]);
    const auto algorithm = algorithms.at(row[3]);
    const auto digest = Digest::parse(row[4]);
    REQUIRE(digest);
    CHECK(digest->algorithm() == algorithm);
    CHECK(digest->weak() == (row[3] == "md5" || row[3] == "sha1"));
    CHECK_FALSE(digest->is_known_constant());
    const auto selector = row[2] == "cert" ? TlsaRecord::cert : TlsaRecord::spki;
    CHECK(digest->bytes() == danegate::tls::hash(algorithm, der_of(row[1], selector)));
  }
}

TEST_CASE("Digest: spellings of one fingerprint") {
  const std::string pairs = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
  const auto expected = from_hex("00112233445566778899aabbccddeeff");
  for (const auto& text :
       {pairs, std::string("00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF"),
        std::string("00112233445566778899aabbccddeeff"), std::string("00112233445566778899AABBCCDDEEFF")}) {
    INFO(text);
    const auto digest = Digest::parse(text);
    REQUIRE(digest);
    CHECK(digest->bytes() == expected);
    CHECK(to_hex(digest->bytes()) == "00112233445566778899aabbccddeeff");
  }
}

TEST_CASE("Digest: what is no fingerprint") {
  struct Case {
    const char* label;
    std::string text;
    DigestError error;
  };

  const std::string pairs = "00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff";
  const std::vector<Case> cases{
      {"nothing", "", DigestError::not_hex},
      {"one digit", "0", DigestError::not_hex},
      {"one pair", "00", DigestError::bad_length},
      {"an odd number of digits", std::string(33, 'a'), DigestError::not_hex},
      {"15 octets", std::string(30, 'a'), DigestError::bad_length},
      {"17 octets", std::string(34, 'a'), DigestError::bad_length},
      {"28 octets, SHA-224", std::string(56, 'a'), DigestError::bad_length},
      {"65 octets", std::string(130, 'a'), DigestError::bad_length},
      {"longer than any", std::string(Digest::max_text + 1, 'a'), DigestError::bad_length},
      {"a colon at the end", pairs + ":", DigestError::not_hex},
      {"a colon at the beginning", ":" + pairs, DigestError::not_hex},
      {"a colon missing", "0011" + pairs.substr(5), DigestError::not_hex},
      {"colons only at first", "00:11" + std::string(28, 'a'), DigestError::not_hex},
      {"another separator", "00:11-22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff", DigestError::not_hex},
      {"a letter beyond f", "0g" + std::string(30, '0'), DigestError::not_hex},
      {"a space", " 0" + std::string(30, '0'), DigestError::not_hex},
      {"a name before it", "sha256:" + std::string(64, 'a'), DigestError::not_hex},
      {"a NUL", std::string("00112233445566778899aabbccddee\0f", 32), DigestError::not_hex},
      {"beyond ASCII", std::string(30, '0') + "\xc3\xa9", DigestError::not_hex},
  };
  for (const auto& [label, text, error] : cases) {
    INFO(label);
    const auto digest = Digest::parse(text);
    REQUIRE_FALSE(digest);
    CHECK(digest.error() == error);
    CHECK_FALSE(describe(digest.error()).empty());
  }
}

TEST_CASE("Digest: one octet that has no place there, wherever it stands") {
  std::string pairs = "0a";
  for (int octet = 1; octet < 32; ++octet)
    pairs += ":0a";
  std::string digits;
  for (int octet = 0; octet < 32; ++octet)
    digits += "0a";
  for (const std::string& good : {pairs, digits}) {
    REQUIRE(Digest::parse(good));
    for (std::size_t at = 0; at < good.size(); ++at) {
      const bool digit = good[at] != ':';
      for (int octet = 0; octet < 256; ++octet) {
        std::string text = good;
        text[at] = static_cast<char>(octet);
        INFO(good.size() << " octets, at " << at << ' ' << octet);
        CHECK(Digest::parse(text).has_value() == (digit ? hex_digit(text[at]).has_value() : text[at] == ':'));
      }
    }
  }
}

TEST_CASE("Digest: constants that prove no credential") {
  // printf '' and printf tls_in_peercert, each through sha256sum, sha384sum and sha512sum.
  const std::vector<std::string> constants{
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b",
      "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
      "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
      "5AC531111CF1F39655189204360A8A214E0BD1F8F2A7B8A1BB6D29B627CB4E6C",
      "27f4ecdacacabf1122d7f4e1c14ce3147b428fe4ed069888697f794aeda7efd365222affc2549196093082c85995bb2a",
      "45d2d27eebd0375b5a7dd9644b9a86cfdb11a0a3955eade7dc0ca6aa465ca6c1"
      "dafb3ff45e0a04fa6987cf5271387e60cf5dc479c0359f5449de766eb344bb6a",
      std::string(64, '0'),
      std::string(128, '0'),
  };
  for (auto text : constants) {
    INFO(text);
    CHECK(Digest::parse(text).value().is_known_constant());
    text.back() = text.back() == '7' ? '8' : '7'; // one bit or more away from it
    CHECK_FALSE(Digest::parse(text).value().is_known_constant());
  }
}
