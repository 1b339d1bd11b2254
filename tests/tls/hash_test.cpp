#include "daemon/tls/hash.h"

#include "tests/support/catch.h"
#include "tests/support/vector_table.h"

#include <openssl/err.h>

#include <map>

using namespace danegate;
using namespace danegate::test;
using core::DigestAlgorithm;

TEST_CASE("hash: what openssl says") {
  const std::map<std::string, DigestAlgorithm> algorithms{{"md5", DigestAlgorithm::md5},
                                                          {"sha1", DigestAlgorithm::sha1},
                                                          {"sha256", DigestAlgorithm::sha256},
                                                          {"sha384", DigestAlgorithm::sha384},
                                                          {"sha512", DigestAlgorithm::sha512}};
  const auto rows = read_table("tls/digests.txt", 3);
  REQUIRE(rows.size() == 2 * algorithms.size());
  for (const auto& row : rows) {
    INFO(row[0] << " of " << row[1]);
    const std::string text = row[1] == "-" ? "" : row[1];
    const core::Bytes octets(text.begin(), text.end());
    CHECK(tls::hash(algorithms.at(row[0]), octets) == from_hex(row[2]));
  }
}

TEST_CASE("hash: no digest for what is no algorithm, and an error queue as clean as it should be") {
  ERR_put_error(ERR_LIB_USER, 0, 1, "somebody else's", 1);
  CHECK(tls::hash(static_cast<DigestAlgorithm>(200), core::Bytes{1}).empty());
  CHECK(ERR_peek_error() == 0);
}
