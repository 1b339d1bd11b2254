#include "daemon/tls/public_key.h"

#include "daemon/core/digest.h"
#include "daemon/tls/certificate.h"
#include "daemon/tls/hash.h"
#include "tests/support/catch.h"
#include "tests/support/vector_table.h"

#include <openssl/err.h>

using namespace danegate;
using namespace danegate::test;

namespace {

std::string path_of(const std::string& file) {
  return std::string(DANEGATE_TEST_DATA) + "/keys/" + file;
}

} // namespace

TEST_CASE("read_public_key: what openssl says of each form") {
  const auto rows = read_table("keys/keys.txt", 2);
  REQUIRE(rows.size() == 11);
  for (const auto& row : rows) {
    INFO(row[0]);
    const auto key = tls::read_public_key(path_of(row[0]));
    CHECK(ERR_peek_error() == 0);
    if (row[1] == "encrypted") {
      REQUIRE_FALSE(key);
      CHECK(key.error().starts_with("the private key is encrypted"));
      continue;
    }
    REQUIRE(key);
    CHECK(core::to_hex(tls::hash(core::DigestAlgorithm::sha256, *key)) == row[1]);
  }
}

TEST_CASE("parse_public_key: what is none") {
  struct Case {
    const char* label;
    std::string text;
    const char* error;
  };

  const std::vector<Case> cases{
      {"nothing", "", "neither a PUBLIC KEY"},
      {"text", "hello\n", "neither a PUBLIC KEY"},
      {"a DER sequence of nothing", "0\x00", "neither a PUBLIC KEY"},
      {"a block of rubbish", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "the key cannot be read"},
      {"too long", std::string(tls::max_pem + 1, ' '), "too large"},
  };
  for (const auto& each : cases) {
    INFO(each.label);
    const auto key = tls::parse_public_key(each.text);
    REQUIRE_FALSE(key);
    CHECK(key.error().starts_with(each.error));
    CHECK(ERR_peek_error() == 0);
  }
}

TEST_CASE("read_public_key: a file that is not there") {
  CHECK(tls::read_public_key(path_of("none.pem")).error() == "No such file or directory");
}
