// Records made here are those that openssl, ldns-dane and danetool make.
#include "daemon/ctl/tlsa_advice.h"

#include "daemon/ctl/presentation.h"
#include "daemon/tls/hash.h"
#include "tests/core/tlsa_vectors.h"
#include "tests/support/catch.h"

namespace danegate::ctl {

TEST_CASE("Kinds of records", "[ctl]") {
  CHECK(parse_kind("3 1 1")->text() == "3 1 1");
  CHECK(parse_kind("012")->text() == "0 1 2");
  CHECK(parse_kind("2 0 0")->text() == "2 0 0");
  for (const auto* const wrong : {"", "3", "31", "3 1", "3 1 3", "3 2 1", "4 1 1", "3 1 1 ", "3-1-1", "3  1 1", "3111",
                                  "abc", "3 11", "33 1 1"}) {
    INFO(wrong);
    const auto kind = parse_kind(wrong);
    REQUIRE_FALSE(kind);
    CHECK(kind.error().contains(std::string("found \"") + wrong + '"'));
  }
}

TEST_CASE("Records as third-party tools make them", "[ctl]") {
  const auto vectors = test::record_vectors();
  REQUIRE(vectors.size() > 60);
  for (const auto& vector : vectors) {
    const auto& wanted = vector.record;
    INFO(vector.tool << ' ' << vector.credential << ' ' << wanted.summary());
    const Published published{test::der_of(vector.credential, 0), test::der_of(vector.credential, 1)};
    const auto made = make_record({wanted.usage, wanted.selector, wanted.matching}, published, tls::hash);
    REQUIRE(made);
    CHECK(*made == wanted);
    CHECK(test::parse_record(presentation(*made)) == wanted);
  }
}

TEST_CASE("A key alone makes no record of a certificate", "[ctl]") {
  const Published key{{}, test::der_of("ec", 1)};
  CHECK(make_record({3, 1, 2}, key, tls::hash));
  CHECK(make_record({3, 0, 1}, key, tls::hash).error() ==
        "\"3 0 1\" is made of a certificate, and there is only a key");
}

TEST_CASE("No digest, no record", "[ctl]") {
  const core::HashFunction broken = [](core::DigestAlgorithm, core::ByteView) { return core::Bytes{}; };
  CHECK_FALSE(make_record({}, {{}, test::der_of("ec", 1)}, broken));
}

TEST_CASE("What is said about each kind", "[ctl]") {
  struct Case {
    const char* kind;
    bool useless;
    std::size_t warnings;
    const char* part; ///< of the last one
  };

  for (const auto& each : {Case{"311", false, 0, ""},
                           {"301", false, 1, "changes with each renewal"},
                           {"312", false, 1, "SHA-512"},
                           {"310", false, 1, "large answers"},
                           {"302", false, 2, "SHA-512"},
                           {"211", true, 1, "issuing certificate"},
                           {"111", true, 1, "usage 1 needs"},
                           {"001", true, 2, "changes with each renewal"}}) {
    INFO(each.kind);
    const auto kind = *parse_kind(each.kind);
    CHECK(why_useless(kind).empty() != each.useless);
    const auto warnings = warnings_on(kind);
    REQUIRE(warnings.size() == each.warnings);
    if (!warnings.empty()) CHECK(warnings.back().contains(each.part));
  }
}

} // namespace danegate::ctl
