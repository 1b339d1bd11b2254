#include "daemon/core/evidence.h"
#include "tests/core/builders.h"
#include "tests/core/credentials.h"
#include "tests/support/catch.h"

#include <vector>

using namespace danegate::core;
using danegate::test::digest;
namespace vec = danegate::test::vectors;

namespace {

Evidence tls_session() {
  Evidence e;
  e.tls = true;
  e.tls_version = "TLSv1.3";
  return e;
}

Evidence with(const char* certificate, const char* key) {
  Evidence e = tls_session();
  if (certificate != nullptr) e.certificate_digest = digest(certificate);
  if (key != nullptr) e.key_digest = digest(key);
  return e;
}

Evidence defective(Evidence e) {
  e.defect = "ccert_fingerprint: not hexadecimal";
  return e;
}

Evidence incomplete() {
  Evidence e = tls_session();
  e.complete = false;
  return e;
}

Evidence with_certificate() {
  Evidence e = tls_session();
  e.certificate = danegate::test::right_certificate();
  return e;
}

} // namespace

TEST_CASE("evidence that cannot be judged, and why") {
  struct Case {
    const char* label;
    Evidence evidence;
    Reason reason;
  };

  const std::vector<Case> cases{
      {"no TLS", Evidence{}, Reason::no_tls},
      {"TLS, and the mail server is silent about the client", incomplete(), Reason::no_evidence},
      {"TLS, no credential", tls_session(), Reason::no_certificate},
      {"MD5", with(vec::cert_md5, vec::key_md5), Reason::weak_digest},
      {"MD5, certificate only", with(vec::cert_md5, nullptr), Reason::weak_digest},
      {"MD5, raw key", with(nullptr, vec::key_md5), Reason::weak_digest},
      {"SHA-1", with(vec::cert_sha1, vec::key_sha1), Reason::weak_digest},
      {"unreadable", defective(tls_session()), Reason::bad_evidence},
      {"unreadable beside a good digest", defective(with(vec::cert_sha256, nullptr)), Reason::bad_evidence},
      {"Exim's constant", with(vec::exim_sha256, nullptr), Reason::bad_evidence},
      {"Exim's constant as a key", with(nullptr, vec::exim_sha256), Reason::bad_evidence},
      {"Exim's constant beside a good key", with(vec::exim_sha256, vec::key_sha256), Reason::bad_evidence},
      {"Exim's constant beside a good certificate", with(vec::cert_sha256, vec::exim_sha256), Reason::bad_evidence},
      {"Exim's constant, SHA-512", with(vec::exim_sha512, nullptr), Reason::bad_evidence},
      {"the empty string's digest", with(vec::empty_sha256, nullptr), Reason::bad_evidence},
      {"the empty string's digest, SHA-384", with(vec::empty_sha384, nullptr), Reason::bad_evidence},
      {"all zero", with("0000000000000000000000000000000000000000000000000000000000000000", nullptr),
       Reason::bad_evidence},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    const auto problem = find_problem(c.evidence);
    REQUIRE(problem.has_value());
    CHECK(token(problem->reason) == token(c.reason));
  }
}

TEST_CASE("evidence that can be judged") {
  struct Case {
    const char* label;
    Evidence evidence;
    bool raw_key;
  };

  const std::vector<Case> cases{
      {"both digests", with(vec::cert_sha256, vec::key_sha256), false},
      {"the certificate's only, as Sendmail sends", with(vec::cert_sha256, nullptr), false},
      {"the key's only: a raw public key", with(nullptr, vec::key_sha256), true},
      {"SHA-512", with(vec::cert_sha512, vec::key_sha512), false},
      {"the certificate itself", with_certificate(), false},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK_FALSE(find_problem(c.evidence).has_value());
    CHECK(c.evidence.has_credential());
    CHECK(c.evidence.is_raw_key() == c.raw_key);
  }
  CHECK_FALSE(tls_session().has_credential());
  CHECK_FALSE(tls_session().is_raw_key());
}

TEST_CASE("a session without TLS has no credential, whatever else is said of it") {
  Evidence e = with(vec::cert_sha256, vec::key_sha256);
  e.tls = false;
  const auto problem = find_problem(e);
  REQUIRE(problem.has_value());
  CHECK(problem->reason == Reason::no_tls);
}
