#include "milter/path.h"
#include "milter/tls_macros.h"
#include "tests/milter/sessions.h"
#include "tests/support/catch.h"

using namespace danegate;
using namespace danegate::test;

namespace {

const std::string sha256 =
    "3E:98:04:3F:72:B5:AB:21:8F:3F:90:81:6F:6C:A8:84:9A:93:16:47:BD:48:7A:DF:C5:65:40:F2:4F:8C:A1:C4";
const std::string md5 = "3E:98:04:3F:72:B5:AB:21:8F:3F:90:81:6F:6C:A8:84";

/// The reason for which evidence cannot be judged, or "judged".
std::string problem(const Evidence& evidence) {
  const auto found = find_problem(evidence);
  return found ? std::string(token(found->reason)) : "judged";
}

} // namespace

TEST_CASE("Sendmail's macros as evidence") {
  struct Row {
    const char* label;
    MacroMap macros;
    bool has_evidence;
    const char* problem;
    bool trusted;
  };

  const Row rows[]{
      {"Postfix: nothing but protocol and cipher", {{"{tls_version}", "TLSv1.3"}}, false, "no-evidence", false},
      {"no TLS", {{"{verify}", "NONE"}}, true, "no-tls", false},
      {"no TLS, no macro", {}, false, "no-tls", false},
      {"asked, none presented", {{"{tls_version}", "TLSv1.3"}, {"{verify}", "NO"}}, true, "no-certificate", false},
      {"not asked", {{"{tls_version}", "TLSv1.3"}, {"{verify}", "NOT"}}, true, "no-certificate", false},
      {"self-signed",
       {{"{tls_version}", "TLSv1.3"}, {"{verify}", "FAIL"}, {"{cert_fp}", sha256}},
       true,
       "judged",
       false},
      {"verified", {{"{tls_version}", "TLSv1.3"}, {"{verify}", "OK"}, {"{cert_fp}", sha256}}, true, "judged", true},
      {"no digest configured: MD5",
       {{"{tls_version}", "TLSv1.3"}, {"{verify}", "FAIL"}, {"{cert_md5}", md5}},
       true,
       "weak-digest",
       false},
      {"MD5 where SHA-256 is claimed",
       {{"{tls_version}", "TLSv1.3"}, {"{verify}", "FAIL"}, {"{cert_fp}", md5}},
       true,
       "weak-digest",
       false},
      {"presented, and no digest told", {{"{tls_version}", "TLSv1.3"}, {"{verify}", "OK"}}, true, "no-evidence", true},
      {"handshake trouble", {{"{tls_version}", "TLSv1.3"}, {"{verify}", "TEMP"}}, true, "no-evidence", false},
      {"no certificate, and a digest", // the digest is nobody's then
       {{"{tls_version}", "TLSv1.3"}, {"{verify}", "NO"}, {"{cert_fp}", sha256}},
       true,
       "no-certificate",
       false},
      {"a digest that is none",
       {{"{tls_version}", "TLSv1.3"}, {"{verify}", "FAIL"}, {"{cert_fp}", "xyz"}},
       true,
       "bad-evidence",
       false},
      {"a digest of four kilobytes",
       {{"{tls_version}", "TLSv1.3"}, {"{verify}", "FAIL"}, {"{cert_fp}", std::string(4096, 'A')}},
       true,
       "bad-evidence",
       false},
      {"only a digest", {{"{tls_version}", "TLSv1.3"}, {"{cert_fp}", sha256}}, true, "judged", false},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const auto tls = milter::TlsMacros::read(macros(row.macros));
    CHECK(tls.has_evidence() == row.has_evidence);
    CHECK(problem(tls.evidence()) == row.problem);
    CHECK(tls.evidence().chain_trusted == row.trusted);
  }
}

TEST_CASE("Sendmail's CN counts where it vouches for the chain, and not where it has none to show") {
  struct Row {
    const char* label;
    const char* verify;
    const char* subject;
    const char* expected;
  };

  const Row rows[]{
      {"verified", "OK", "mta1.acme.example", "mta1.acme.example"},
      {"xtext", "OK", "Zo+C3+AB+20+28cli+29", "Zo\xC3\xAB (cli)"},
      {"self-signed", "FAIL", "mta1.acme.example", ""},
      {"no CN", "OK", "BadCertificateUnknown", ""},
      {"too long", "OK", "BadCertificateTooLong", ""},
      {"not xtext", "OK", "a+2", ""},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const auto tls = milter::TlsMacros::read(macros({{"{verify}", row.verify}, {"{cn_subject}", row.subject}}));
    CHECK(tls.vouched_subject() == row.expected);
  }
}

TEST_CASE("paths of MAIL and RCPT") {
  struct Row {
    const char* path;
    const char* mailbox;
  };

  const Row rows[]{
      {"<ceo@acme.example>", "ceo@acme.example"},
      {"ceo@acme.example", "ceo@acme.example"},
      {"<>", ""},
      {"", ""},
      {"<\"John Q\"@acme.example>", "John Q@acme.example"},
      {"<\"a\\\"b\\\\c\"@acme.example>", "a\"b\\c@acme.example"},
      {"<\"a@b\"@acme.example>", "a@b@acme.example"},
      {"<\"open@acme.example>", "\"open@acme.example"},
      {"<@relay.example,@b.example:ceo@acme.example>", "ceo@acme.example"},
      {"<@relay.example>", "@relay.example"},
      {"<postmaster>", "postmaster"},
  };
  for (const Row& row : rows) {
    INFO(row.path);
    CHECK(milter::mailbox_of(row.path) == row.mailbox);
  }
}
