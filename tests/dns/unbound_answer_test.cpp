#include "daemon/dns/unbound_answer.h"

#include "tests/dns/recorded_answers.h"
#include "tests/support/catch.h"

#include <map>

using namespace danegate;
using namespace danegate::test;
using core::Wildcard;

namespace {

/// What a recorded answer must become.
struct Expectation {
  std::string state; ///< as state_of() says it
  long ttl = 0;      ///< of zones.py's records, through the chain
  std::size_t records = 0;
  Wildcard wildcard = Wildcard::none;
  std::string opt_out_zone{};
};

const std::map<std::string, Expectation> expectations{
    {"one", {"secure", 1800, 1}},
    {"two", {"secure", 900, 2}},
    {"nodata-nsec", {"absent", 300}},
    {"nxdomain-nsec", {"absent", 300}},
    {"nxdomain-long-minimum", {"absent", 3600}}, // the SOA's TTL, not its minimum of a day
    {"alias", {"secure", 600, 1}},
    {"alias-chain", {"secure", 600, 1}},
    {"alias-to-other-zone", {"secure", 1000, 1}},
    {"alias-to-unsigned", {"insecure", 1000}},
    {"alias-from-unsigned", {"insecure", 1000}},
    {"alias-to-nothing", {"absent", 120}},
    {"alias-to-nodata", {"absent", 120}},
    {"alias-to-bogus", {"bogus"}},
    {"alias-to-opt-out", {"insecure", 120}},
    {"alias-loop", {"failed"}},
    {"alias-odd-octets", {"secure", 120, 1}},
    {"dname", {"secure", 700, 1}},
    {"large", {"secure", 1200, 5}},
    {"many", {"secure", 1200, 200}},
    {"wildcard-device", {"secure", 1500, 1, Wildcard::below_underscore}},
    {"wildcard-web", {"secure", 1500, 1, Wildcard::other}},
    {"wildcard-alias", {"secure", 1500, 1, Wildcard::other}},
    {"alias-to-wildcard-device", {"secure", 1500, 1, Wildcard::below_underscore}},
    {"alias-to-wildcard-web", {"secure", 1500, 1, Wildcard::other}},
    {"nsec3", {"secure", 1000, 1}},
    {"wildcard-nsec3", {"secure", 1500, 1, Wildcard::below_underscore}},
    {"nxdomain-nsec3", {"absent", 300}},
    {"nodata-nsec3", {"absent", 300}},
    {"opt-out", {"secure", 1000, 1}},
    {"wildcard-opt-out", {"insecure", 1500}}, // no proof that there is no closer name
    {"nxdomain-opt-out", {"insecure", 300, 0, Wildcard::none, "optout.example"}},
    {"nodata-opt-out", {"absent", 300}},
    {"nxdomain-below-opt-out", {"insecure", 300}},
    {"unsigned", {"insecure", 1000}},
    {"nxdomain-unsigned", {"insecure", 300}},
    {"island", {"insecure", 1000}},
    {"nxdomain-opt-out-island", {"insecure", 300, 0, Wildcard::none, "optisland.example"}},
    {"expired", {"bogus"}},
    {"not-yet-valid", {"bogus"}},
    {"broken-signature", {"bogus"}},
    {"unreachable", {"failed"}},
};

bool is_secure(const dns::FoldedAnswer& folded) {
  return std::holds_alternative<core::Secure>(folded.answer.outcome);
}

bool is_server_failure(const dns::FoldedAnswer& folded) {
  const auto* const failed = std::get_if<core::Failed>(&folded.answer.outcome);
  return failed != nullptr && failed->kind == core::FailureKind::server_failure && !failed->why.empty();
}

/// Places where a record of this type and class IN has its type field, in the order of the packet.
std::vector<std::size_t> places_of(const core::Bytes& packet, std::uint8_t type) {
  std::vector<std::size_t> places;
  for (std::size_t i = 12; i + 4 <= packet.size(); ++i)
    if (packet[i] == 0 && packet[i + 1] == type && packet[i + 2] == 0 && packet[i + 3] == 1) places.push_back(i);
  return places;
}

constexpr std::uint8_t type_tlsa = 52, type_rrsig = 46;
constexpr std::size_t to_rdlength = 8, to_rdata = 10, to_labels = 13; // from the type field
constexpr std::size_t flags_high = 2, flags_low = 3;                  // of the header

dns::FoldedAnswer fold(const RecordedAnswer& recorded) {
  return dns::fold(recorded.name, recorded.whole());
}

} // namespace

TEST_CASE("fold: every recorded answer becomes what its zone means") {
  const auto answers = recorded_answers();
  REQUIRE(answers.size() == expectations.size());
  for (const auto& recorded : answers) {
    INFO(recorded.label);
    const auto& expected = expectations.at(recorded.label);
    const auto folded = fold(recorded);
    CHECK(core::state_of(folded.answer) == expected.state);
    CHECK(folded.answer.ttl.count() == expected.ttl);
    CHECK(folded.opt_out_zone == expected.opt_out_zone);
    const auto* const secure = std::get_if<core::Secure>(&folded.answer.outcome);
    REQUIRE((secure != nullptr) == (expected.records > 0));
    if (secure == nullptr) continue;
    CHECK(secure->records.size() == expected.records);
    CHECK(secure->malformed == 0);
    CHECK(secure->wildcard == expected.wildcard);
  }
}

TEST_CASE("fold: the records are those of the zone, the explanation is libunbound's") {
  const auto two = fold(recorded_answer("two"));
  std::vector<std::uint8_t> last;
  for (const auto& record : std::get<core::Secure>(two.answer.outcome).records) {
    CHECK(record.usage == 3);
    CHECK(record.selector == 1);
    CHECK(record.matching == 1);
    CHECK(record.data.size() == 32);
    last.push_back(record.data.back());
  }
  std::ranges::sort(last);
  CHECK(last == std::vector<std::uint8_t>{0xab, 0xcd});
  CHECK(std::get<core::Bogus>(fold(recorded_answer("expired")).answer.outcome).why.contains("signature expired"));
}

TEST_CASE("fold: a packet cut anywhere is a failure, whatever its flags claim") {
  for (const auto& recorded : recorded_answers()) {
    INFO(recorded.label);
    const auto reply = recorded.whole();
    if (reply.bogus || (reply.rcode != 0 && reply.rcode != 3)) continue; // said without the packet
    const auto step = std::max<std::size_t>(1, recorded.packet.size() / 600);
    for (std::size_t size = 0; size < recorded.packet.size(); size += step) {
      auto shortened = reply;
      shortened.packet = reply.packet.first(size);
      if (!is_server_failure(dns::fold(recorded.name, shortened))) FAIL("cut at " << size);
    }
  }
}

TEST_CASE("fold: no flipped bit makes more of an answer than libunbound said") {
  for (const std::string label :
       {"unsigned", "nxdomain-unsigned", "nxdomain-nsec", "expired", "unreachable", "alias-to-unsigned", "dname"}) {
    const auto recorded = recorded_answer(label);
    for (std::size_t bit = 0; bit < recorded.packet.size() * 8; ++bit) {
      auto changed = recorded;
      changed.packet[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      const auto folded = fold(changed);
      if (is_secure(folded) && !(recorded.reply.secure && recorded.reply.havedata)) FAIL(label << " bit " << bit);
    }
  }
}

TEST_CASE("fold: garbage with every flag set is a failure") {
  const auto name = recorded_answer("one").name;
  std::uint32_t state = 1;
  for (std::size_t size = 0; size < 300; ++size) {
    core::Bytes noise(size);
    for (auto& octet : noise) {
      state = state * 1664525 + 1013904223;
      octet = static_cast<std::uint8_t>(state >> 24);
    }
    dns::UnboundReply reply;
    reply.secure = reply.havedata = true;
    reply.packet = noise;
    if (!is_server_failure(dns::fold(name, reply))) FAIL("size " << size);
  }
}

TEST_CASE("fold: a secure answer without its signatures is doubt, not an unexpanded name") {
  for (const std::string label : {"one", "wildcard-device", "wildcard-web", "alias", "wildcard-alias", "dname"}) {
    INFO(label);
    auto recorded = recorded_answer(label);
    for (const auto place : places_of(recorded.packet, type_rrsig)) {
      auto missing_one = recorded;
      missing_one.packet[place + 1] = 99; // no such type
      const auto folded = fold(missing_one);
      const auto* const secure = std::get_if<core::Secure>(&folded.answer.outcome);
      if (secure != nullptr) // a signature of the authority section, which nothing here rests on
        CHECK(secure->wildcard == expectations.at(label).wildcard);
    }
    for (const auto place : places_of(recorded.packet, type_rrsig))
      recorded.packet[place + 1] = 99;
    CHECK(is_server_failure(fold(recorded)));
  }
  auto first_link = recorded_answer("alias");
  first_link.packet[places_of(first_link.packet, type_rrsig).front() + 1] = 99;
  CHECK(is_server_failure(fold(first_link)));
}

TEST_CASE("fold: the signature's label count decides, on every link") {
  auto recorded = recorded_answer("alias");
  const auto places = places_of(recorded.packet, type_rrsig);
  REQUIRE(places.size() >= 2);
  for (const auto link : {std::size_t{0}, std::size_t{1}}) {
    auto changed = recorded;
    changed.packet[places[link] + to_labels] = 3; // *.partner.example
    CHECK(std::get<core::Secure>(fold(changed).answer.outcome).wildcard == Wildcard::other);
  }
  auto dname = recorded_answer("dname");
  dname.packet[places_of(dname.packet, type_rrsig).front() + to_labels] = 1;
  CHECK(std::get<core::Secure>(fold(dname).answer.outcome).wildcard == Wildcard::other);
}

TEST_CASE("fold: an answer that contradicts itself or its flags is a failure") {
  struct Row {
    const char* what;
    void (*change)(RecordedAnswer&);
  };

  const Row rows[] = {
      {"truncated flag", [](RecordedAnswer& r) { r.packet[flags_high] |= 0x02; }},
      {"not a reply", [](RecordedAnswer& r) { r.packet[flags_high] &= 0x7F; }},
      {"another rcode in the packet", [](RecordedAnswer& r) { r.packet[flags_low] |= 3; }},
      {"another rcode in the result", [](RecordedAnswer& r) { r.reply.rcode = 3; }},
      {"another name", [](RecordedAnswer& r) { r.name = core::DnsName::parse("_smtp-client.two.example").value(); }},
      {"another type asked", [](RecordedAnswer& r) { r.packet[places_of(r.packet, type_tlsa)[0] + 1] = 1; }},
      {"another class in the answer", [](RecordedAnswer& r) { r.packet[places_of(r.packet, type_tlsa)[1] + 3] = 3; }},
      {"no data, says the result", [](RecordedAnswer& r) { r.reply.havedata = false; }},
      {"no such name, says the result", [](RecordedAnswer& r) { r.reply.nxdomain = true; }},
      {"data, says the result",
       [](RecordedAnswer& r) {
         r = recorded_answer("nxdomain-nsec");
         r.reply.havedata = true;
       }},
      {"SERVFAIL", [](RecordedAnswer& r) { r.reply.rcode = 2; }},
      {"REFUSED", [](RecordedAnswer& r) { r.reply.rcode = 5; }},
      {"YXDOMAIN", [](RecordedAnswer& r) { r.reply.rcode = 6; }},
      {"libunbound's own error", [](RecordedAnswer& r) { r.reply.error = "out of memory"; }},
      {"octets after the message", [](RecordedAnswer& r) { r.packet.push_back(0); }},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    auto recorded = recorded_answer("one");
    REQUIRE(is_secure(fold(recorded)));
    row.change(recorded);
    CHECK(is_server_failure(fold(recorded)));
  }
}

TEST_CASE("fold: bogus wins over everything else that is said") {
  auto recorded = recorded_answer("one");
  recorded.reply.bogus = true;
  CHECK(std::get<core::Bogus>(fold(recorded).answer.outcome).why == "validation failed");
  recorded.reply.why_bogus = std::string(5000, 'x');
  CHECK(std::get<core::Bogus>(fold(recorded).answer.outcome).why.size() == dns::max_why);
}

TEST_CASE("fold: records too short to be read are counted, not dropped silently") {
  auto recorded = recorded_answer("one");
  const auto place = places_of(recorded.packet, type_tlsa)[1];
  recorded.packet[place + to_rdlength + 1] = 3; // usage, selector, matching type, and no data
  const auto rdata = recorded.packet.begin() + static_cast<std::ptrdiff_t>(place + to_rdata);
  recorded.packet.erase(rdata + 3, rdata + 35);
  const auto folded = fold(recorded);
  REQUIRE(is_secure(folded));
  CHECK(std::get<core::Secure>(folded.answer.outcome).records.empty());
  CHECK(std::get<core::Secure>(folded.answer.outcome).malformed == 1);
}

TEST_CASE("fold: opt-out is only claimed where SOA and NSEC3 look signed") {
  const auto recorded = recorded_answer("nxdomain-opt-out");
  REQUIRE(fold(recorded).opt_out_zone == "optout.example");
  auto unsigned_denial = recorded;
  for (const auto place : places_of(unsigned_denial.packet, type_rrsig))
    unsigned_denial.packet[place + 1] = 99;
  CHECK(fold(unsigned_denial).opt_out_zone.empty());
  auto without_flag = recorded;
  constexpr std::uint8_t type_nsec3 = 50;
  for (const auto place : places_of(without_flag.packet, type_nsec3))
    without_flag.packet[place + to_rdata + 1] = 0;
  CHECK(fold(without_flag).opt_out_zone.empty());
  CHECK(core::state_of(fold(without_flag).answer) == "insecure");
}

TEST_CASE("fold: a secure answer ends with the earliest of its links' signatures") {
  using std::chrono::sys_seconds;
  for (const char* label : {"one", "alias-chain", "dname", "wildcard-alias"}) {
    INFO(label);
    const auto recorded = recorded_answer(label);
    const auto folded = dns::fold(recorded.name, recorded.whole());
    REQUIRE(folded.answer.signatures_end);
    auto packet = recorded.packet;
    const auto whole_end = *folded.answer.signatures_end;
    // One signature after the other is made to end earlier; the answer then ends with it.
    const auto signatures = places_of(packet, type_rrsig);
    std::size_t counted = 0;
    for (const auto place : signatures) {
      auto changed = packet;
      const auto expiration = place + to_rdata + 8;
      changed[expiration] = 0x10; // 1978
      auto reply = recorded.whole();
      reply.packet = changed;
      const auto earlier = dns::fold(recorded.name, reply);
      if (earlier.answer.signatures_end && *earlier.answer.signatures_end < whole_end) ++counted;
    }
    CHECK(counted >= 1);
    // With a clock that has passed it, it is still what bounds the link.
    const auto late = dns::fold(recorded.name, recorded.whole(), whole_end + std::chrono::hours{1});
    REQUIRE(late.answer.signatures_end);
    CHECK(*late.answer.signatures_end >= whole_end);
  }
  CHECK_FALSE(fold(recorded_answer("nodata-nsec")).answer.signatures_end);
  CHECK_FALSE(fold(recorded_answer("unsigned")).answer.signatures_end);
}
