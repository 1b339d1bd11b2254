// Any octets as the TLSA records of an answer, against one credential that the mail server describes in any way.
//
// First octet: what is known of the credential. Then records: one octet of length, and as many of rdata.
#include "daemon/core/tlsa_match.h"
#include "daemon/tls/hash.h"
#include "tests/core/credentials.h"
#include "tests/fuzz/require.h"

#include <algorithm>
#include <array>

using namespace danegate::core;
namespace test = danegate::test;
using test::require;

namespace {

const DnsName reference = test::dns_name("_smtp-client.mta1.acme.example");
const std::array<std::array<Bytes, 3>, 2> right{{
    {test::octets(test::vectors::cert_text), test::from_hex(test::vectors::cert_sha256),
     test::from_hex(test::vectors::cert_sha512)},
    {test::octets(test::vectors::key_text), test::from_hex(test::vectors::key_sha256),
     test::from_hex(test::vectors::key_sha512)},
}};

/// What the mail server says: a digest of either kind or none, the certificate or not, trusted or not, named or not.
struct Knowledge {
  explicit Knowledge(std::uint8_t flags)
      : certificate((flags & 1U) != 0), trusted((flags & 2U) != 0), named((flags & 4U) != 0),
        sha512((flags & 8U) != 0), digests{(flags & 16U) != 0, (flags & 32U) != 0} {}

  bool certificate, trusted, named, sha512;
  std::array<bool, 2> digests;

  /// Made once for each of them.
  const Evidence& evidence(std::uint8_t flags) const {
    static std::array<std::optional<Evidence>, 256> made;
    auto& e = made[flags];
    if (e) return *e;
    e.emplace();
    e->tls = true;
    e->chain_trusted = trusted;
    const auto digest = [&](std::size_t selector) { return test::digest(to_hex(right[selector][sha512 ? 2 : 1])); };
    if (digests[0]) e->certificate_digest = digest(0);
    if (digests[1]) e->key_digest = digest(1);
    if (certificate) e->certificate = test::right_certificate();
    if (certificate && named) e->certificate->dns_names = {test::dns_name("mta1.acme.example")};
    return *e;
  }

  /// RFC 6698 in short: what this record alone has to come to.
  bool proven_by(const TlsaRecord& r) const {
    if (r.selector > 1 || r.matching > 2 || r.data != right[r.selector][r.matching]) return false;
    if (r.usage == 1) return certificate && trusted && named;
    if (r.usage != 3) return false;
    return certificate || (digests[r.selector] && (r.matching == 0 || (r.matching == 2) == sha512));
  }
};

std::vector<TlsaRecord> read(const std::uint8_t* at, const std::uint8_t* end) {
  std::vector<TlsaRecord> records;
  while (at < end && records.size() < 8) {
    const ByteView rdata{at + 1, std::min<std::size_t>(*at, static_cast<std::size_t>(end - at - 1))};
    at = rdata.data() + rdata.size();
    const auto record = TlsaRecord::from_rdata(rdata);
    require(record.has_value() == (rdata.size() > 3), "three fields and an octet");
    if (!record) continue;
    require(record->usage == rdata[0] && record->data.size() == rdata.size() - 3, "of what came");
    require(record->summary().size() < 32, "the summary is short");
    records.push_back(*record);
  }
  return records;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const Knowledge known{data[0]};
  const Evidence& evidence = known.evidence(data[0]);
  const Secure answer{.records = read(data + 1, data + size)};
  const auto outcome = match(answer, evidence, reference, danegate::tls::hash);
  require(outcome.records.size() == answer.records.size(), "each record is judged");
  require((outcome.verdict == MatchVerdict::match) == outcome.matched.has_value(), "a match names its record");
  require(!outcome.matched || known.proven_by(answer.records[*outcome.matched]),
          "never a match unless the data is equal");
  for (std::size_t i = 0; i < answer.records.size(); ++i) {
    const auto& record = answer.records[i];
    const bool proves = known.proven_by(record);
    require(proves ==
                (match({.records = {record}}, evidence, reference, danegate::tls::hash).verdict == MatchVerdict::match),
            "a record alone decides as RFC 6698 says");
    const auto verdict = outcome.records[i].verdict;
    require(proves ? verdict != RecordVerdict::differs : verdict != RecordVerdict::matches, "others change nothing");
    require(!record.malformed() || verdict == RecordVerdict::unusable,
            "malformed is unusable, never another credential");
  }
  Secure reversed = answer;
  std::ranges::reverse(reversed.records);
  require(match(reversed, evidence, reference, danegate::tls::hash).verdict == outcome.verdict, "order does not count");
  return 0;
}
