#include "daemon/core/tlsa_match.h"

#include "daemon/tls/hash.h"
#include "tests/core/tlsa_vectors.h"
#include "tests/support/catch.h"

#include <map>

using namespace danegate::core;
using namespace danegate::test;

namespace {

const DnsName reference = DnsName::parse("_smtp-client.mta1.acme.example").value();

Secure answer(std::string_view records) {
  Secure secure;
  for (const auto& text : split(records, "; "))
    secure.records.push_back(parse_record(text));
  return secure;
}

MatchOutcome judge(const Secure& secure, const Evidence& evidence) {
  return match(secure, evidence, reference, danegate::tls::hash);
}

MatchVerdict verdict_named(const std::string& word) {
  static const std::map<std::string, MatchVerdict> words{
      {"match", MatchVerdict::match}, {"mismatch", MatchVerdict::mismatch}, {"unusable", MatchVerdict::unusable}};
  return words.at(word);
}

/// One line of verdicts.txt.
struct Verdict {
  std::string label, credential, reference;
  bool trusted;
  std::string records;
  MatchVerdict openssl;
};

std::vector<Verdict> verdicts() {
  std::vector<Verdict> found;
  for (const auto& row : read_table("tlsa/verdicts.txt", 6))
    found.push_back({row[0], row[1], row[2], row[3] == "yes", row[4], verdict_named(row[5])});
  return found;
}

/// How much of a record one kind of evidence can judge: which selectors, and which matching types.
struct Kind {
  const char* label;
  Evidence (*make)(const std::string& credential);
  bool certificate, full, sha256, sha512;

  bool can_judge(const TlsaRecord& record) const {
    if (record.selector == TlsaRecord::cert && !certificate) return false;
    if (record.matching == TlsaRecord::full) return full;
    return record.matching == TlsaRecord::sha2_256 ? sha256 : sha512;
  }
};

const std::vector<Kind> kinds{
    {"whole certificate", [](const auto& c) { return whole_certificate(c, false); }, true, true, true, true},
    {"SHA-256 fingerprints", [](const auto& c) { return fingerprints(c, "sha256"); }, true, true, true, false},
    {"SHA-384 fingerprints", [](const auto& c) { return fingerprints(c, "sha384"); }, true, true, false, false},
    {"SHA-512 fingerprints", [](const auto& c) { return fingerprints(c, "sha512"); }, true, true, false, true},
    {"SHA-256 of a raw key", [](const auto& c) { return raw_key(c, "sha256"); }, false, true, true, false},
    {"SHA-512 of a raw key", [](const auto& c) { return raw_key(c, "sha512"); }, false, true, false, true},
};

} // namespace

TEST_CASE("match: every tool's record against every credential and every kind of evidence") {
  std::map<MatchVerdict, std::size_t> seen;
  for (const auto& vector : record_vectors()) {
    const auto& record = vector.record;
    const Secure secure{{record}, 0, Wildcard::none};
    for (const auto& credential : credential_names) {
      const bool same = der_of(credential, record.selector) == der_of(vector.credential, record.selector);
      for (const auto& kind : kinds) {
        INFO(vector.tool << "'s " << record.summary() << " for " << vector.credential << ", shown: " << kind.label
                         << " of " << credential);
        const auto expected = !kind.can_judge(record) ? MatchVerdict::unusable
                              : same                  ? MatchVerdict::match
                                                      : MatchVerdict::mismatch;
        const auto outcome = judge(secure, kind.make(credential));
        CHECK(outcome.verdict == expected);
        CHECK(outcome.matched.has_value() == (expected == MatchVerdict::match));
        CHECK(outcome.why.empty() == (expected != MatchVerdict::unusable));
        ++seen[expected];
      }
    }
  }
  CHECK(seen[MatchVerdict::match] > 300);
  CHECK(seen[MatchVerdict::mismatch] > 1000);
  CHECK(seen[MatchVerdict::unusable] > 500);
}

TEST_CASE("match: with the whole certificate, OpenSSL's DANE verifier and danegate agree") {
  const auto rows = verdicts();
  REQUIRE(rows.size() == 48);
  for (const auto& row : rows) {
    INFO(row.label);
    const auto evidence = whole_certificate(row.credential, row.trusted);
    for (const auto* label : {"", "_smtp-client."}) { // the owner name as it stands, and below a service label
      const auto name = DnsName::parse(label + row.reference).value();
      CHECK(match(answer(row.records), evidence, name, danegate::tls::hash).verdict == row.openssl);
    }
  }
}

TEST_CASE("match: with SHA-256 fingerprints, where that differs from what OpenSSL can see") {
  // Usage 1 and SHA-512 records cannot be judged, so they neither match, nor fail, nor suppress anything.
  const std::map<std::string, MatchVerdict> differing{
      {"pkix-ee 0 0", MatchVerdict::unusable},
      {"pkix-ee 0 1", MatchVerdict::unusable},
      {"pkix-ee 0 2", MatchVerdict::unusable},
      {"pkix-ee 1 0", MatchVerdict::unusable},
      {"pkix-ee 1 1", MatchVerdict::unusable},
      {"pkix-ee 1 2", MatchVerdict::unusable},
      {"pkix-ee without a trusted chain", MatchVerdict::unusable},
      {"pkix-ee with another name", MatchVerdict::unusable},
      {"pkix-ee self-signed", MatchVerdict::unusable},
      {"right 0 2", MatchVerdict::unusable},
      {"wrong 0 2", MatchVerdict::unusable},
      {"other name 0 2", MatchVerdict::unusable},
      {"right 1 2", MatchVerdict::unusable},
      {"wrong 1 2", MatchVerdict::unusable},
      {"other name 1 2", MatchVerdict::unusable},
      {"agility: only the weaker digest fits", MatchVerdict::match},
      {"agility: only the stronger digest fits", MatchVerdict::mismatch},
  };
  std::size_t used = 0;
  for (const auto& row : verdicts()) {
    INFO(row.label);
    const auto different = differing.find(row.label);
    used += different != differing.end();
    const auto expected = different != differing.end() ? different->second : row.openssl;
    CHECK(judge(answer(row.records), fingerprints(row.credential, "sha256")).verdict == expected);
  }
  CHECK(used == differing.size());
}

TEST_CASE("match: usages 0 and 2 are unusable with any evidence, however well the data fits") {
  for (const auto& vector : record_vectors()) {
    auto record = vector.record;
    for (const auto usage : {TlsaRecord::pkix_ta, TlsaRecord::dane_ta}) {
      record.usage = usage;
      for (const auto& kind : kinds) {
        INFO(record.summary() << ", " << kind.label);
        CHECK(judge({{record}, 0, Wildcard::none}, kind.make(vector.credential)).verdict == MatchVerdict::unusable);
      }
    }
  }
}

TEST_CASE("match: usage 1 wants trust, and the name that was looked up") {
  struct Case {
    const char* label;
    const char* credential;
    const char* reference;
    bool trusted;
    MatchVerdict verdict;
  };

  for (const auto& [label, credential, name, trusted, verdict] : {
           Case{"first dNSName", "ec-issued", "_smtp-client.mta1.acme.example", true, MatchVerdict::match},
           Case{"second dNSName", "ec-issued", "_smtp-client.mta2.acme.example", true, MatchVerdict::match},
           Case{"no such dNSName", "ec-issued", "_smtp-client.mta3.acme.example", true, MatchVerdict::mismatch},
           Case{"the domain alone", "ec-issued", "_smtp-client.acme.example", true, MatchVerdict::mismatch},
           Case{"two labels off", "ec-issued", "_a._b.mta1.acme.example", true, MatchVerdict::mismatch},
           Case{"a plain label off", "ec-issued", "x.mta1.acme.example", true, MatchVerdict::mismatch},
           Case{"not trusted", "ec-issued", "_smtp-client.mta1.acme.example", false, MatchVerdict::mismatch},
           Case{"only the CN has it", "ec-elsewhere", "_smtp-client.mta1.acme.example", true, MatchVerdict::mismatch},
       }) {
    INFO(label);
    const auto evidence = whole_certificate(credential, trusted);
    const Secure secure{
        {{TlsaRecord::pkix_ee, TlsaRecord::spki, TlsaRecord::full, der_of(credential, 1)}}, 0, Wildcard::none};
    CHECK(match(secure, evidence, DnsName::parse(name).value(), danegate::tls::hash).verdict == verdict);
  }
}

TEST_CASE("match: the record that matched and the judgement of every other") {
  const auto text = [](const TlsaRecord& r) {
    return std::to_string(r.usage) + ' ' + std::to_string(r.selector) + ' ' + std::to_string(r.matching) + ' ' +
           to_hex(r.data);
  };
  const TlsaRecord right{3, 1, 1, digest_of("ec", "spki", "sha256").bytes()};
  const TlsaRecord wrong{3, 1, 1, digest_of("other", "spki", "sha256").bytes()};
  const auto outcome =
      judge(answer("3 9 1 00; " + text(wrong) + "; " + text(right) + "; " + text(right)), fingerprints("ec", "sha256"));
  CHECK(outcome.verdict == MatchVerdict::match);
  REQUIRE(outcome.matched);
  CHECK(*outcome.matched == 2);
  REQUIRE(outcome.records.size() == 4);
  CHECK(outcome.records[0].verdict == RecordVerdict::unusable);
  CHECK_FALSE(outcome.records[0].why.empty());
  CHECK(outcome.records[1].verdict == RecordVerdict::differs);
  CHECK(outcome.records[2].verdict == RecordVerdict::matches);
  CHECK(outcome.records[2].why.empty());
  CHECK(outcome.records[3].verdict == RecordVerdict::matches);
}

TEST_CASE("match: no record that can be read is unusable, never a match") {
  for (const auto& kind : kinds) {
    INFO(kind.label);
    const auto outcome = judge({{}, 3, Wildcard::none}, kind.make("ec"));
    CHECK(outcome.verdict == MatchVerdict::unusable);
    CHECK_FALSE(outcome.why.empty());
  }
}

TEST_CASE("match: a hash function that fails matches nothing") {
  const auto failing = [](DigestAlgorithm, ByteView) { return Bytes{}; };
  for (const auto& vector : record_vectors()) {
    const auto& record = vector.record;
    if (record.matching != TlsaRecord::full) continue;
    INFO(record.summary());
    const Secure full{{record}, 0, Wildcard::none};
    CHECK(match(full, fingerprints(vector.credential, "sha256"), reference, failing).verdict == MatchVerdict::mismatch);
    const Secure hashed{
        {{3, record.selector, 1, danegate::tls::hash(DigestAlgorithm::sha256, record.data)}}, 0, Wildcard::none};
    CHECK(match(hashed, whole_certificate(vector.credential, true), reference, failing).verdict ==
          MatchVerdict::mismatch);
  }
}
