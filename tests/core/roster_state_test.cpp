// The state file's octets: what is written is read again, and nothing else is.
#include "daemon/core/roster_state.h"
#include "tests/core/roster_scene.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <random>
#include <utility>

using namespace danegate::core;
using namespace danegate::test;

namespace {

const Bytes key(32, 7);
const TimePoint written{std::chrono::milliseconds{1'760'000'000'123}};
const TimePoint finished = written + 5s;

Upstream server(std::string address) {
  Upstream made;
  made.address = std::move(address);
  return made;
}

struct Answer {
  std::string owner;
  RosterRecord record;
};

std::vector<Answer> some_answers() {
  TlsaAnswer secure_answer{Secure{{right_key(), other_key()}, 1, Wildcard::below_underscore}, 3600s};
  secure_answer.signatures_end = std::chrono::sys_seconds(std::chrono::seconds{1'761'000'000});
  return {{"_smtp-client.a.example", {written, 3600s, secure_answer}},
          {"_smtp-client.b.example", {written, 300s, {Absent{}, 300s}}},
          {"c.example", {written, 1ms, {Insecure{}, 0s}}}};
}

Bytes state_of_answers(const std::vector<Answer>& answers, ByteView with_key = key) {
  RosterStateEncoder encoder(with_key);
  for (const auto& answer : answers)
    encoder.add(dns_name(answer.owner), answer.record);
  encoder.end(finished);
  return encoder.take();
}

/// The error's text, or "" and how many.
std::string decode(ByteView file, std::vector<Answer>* into = nullptr, TimePoint now = finished) {
  const auto result = decode_roster_state(file, key, now, [&](const DnsName& owner, const RosterRecord& record) {
    if (into) into->push_back({owner.text(), record});
  });
  return result ? std::to_string(*result) : std::string(describe(result.error()));
}

} // namespace

TEST_CASE("state: what was written is read again") {
  std::vector<Answer> read;
  CHECK(decode(state_of_answers(some_answers()), &read) == "3");
  const auto expected = some_answers();
  REQUIRE(read.size() == expected.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    CHECK(read[i].owner == expected[i].owner);
    CHECK(read[i].record.written == expected[i].record.written);
    CHECK(read[i].record.life == expected[i].record.life);
    CHECK(read[i].record.answer.ttl == expected[i].record.answer.ttl);
    CHECK(read[i].record.answer.signatures_end == expected[i].record.answer.signatures_end);
    CHECK(state_of(read[i].record.answer) == state_of(expected[i].record.answer));
  }
  const auto& records = std::get<Secure>(read[0].record.answer.outcome);
  CHECK(records.records == std::vector<TlsaRecord>{right_key(), other_key()});
  CHECK(records.malformed == 1);
  CHECK(records.wildcard == Wildcard::below_underscore);
  CHECK(decode(state_of_answers({})) == "0");
}

TEST_CASE("state: failures are not written") {
  CHECK(decode(state_of_answers({{"a.example", {written, 30s, *failed(FailureKind::timeout)}},
                                 {"b.example", {written, 30s, *bogus()}}})) == "0");
}

TEST_CASE("state: every file that is cut short is refused, and nothing of it is taken") {
  const auto file = state_of_answers(some_answers());
  for (std::size_t length = 0; length < file.size(); ++length) {
    std::vector<Answer> read;
    const auto said = decode(ByteView(file).first(length), &read);
    CHECK((said == "not a state file" || said == "damaged, or not whole"));
    CHECK(read.empty());
  }
}

TEST_CASE("state: every octet that changed is noticed") {
  const auto file = state_of_answers(some_answers());
  for (std::size_t at = 0; at < file.size(); ++at)
    for (const int flip : {1, 0x80, 0xff}) {
      auto changed = file;
      changed[at] ^= static_cast<std::uint8_t>(flip);
      std::vector<Answer> read;
      CHECK_FALSE(decode(changed, &read) == "3");
      CHECK(read.empty());
    }
  auto longer = file;
  longer.push_back(0);
  CHECK(decode(longer) == "damaged, or not whole");
}

TEST_CASE("state: a newer version says so, whatever follows") {
  auto file = state_of_answers(some_answers());
  file[19] = roster_state_version + 1; // the last octet of the version
  CHECK(decode(file) == "written by a newer version");
  CHECK(decode(ByteView(file).first(60)) == "written by a newer version");
  file[19] = roster_state_version - 1;
  CHECK(decode(file) == "written by an older version");
}

TEST_CASE("state: nothing is taken from a file of the future") {
  const auto file = state_of_answers(some_answers());
  std::vector<Answer> read;
  CHECK(decode(file, &read, finished - 1ms) == "written in the future: the clock was set back");
  CHECK(read.empty());
  CHECK(decode(file, &read, finished + 1h) == "3");
}

TEST_CASE("state: random octets are no state file") {
  std::mt19937 random(5); // NOLINT: the same run each time
  for (int i = 0; i < 2000; ++i) {
    Bytes noise(random() % 300);
    std::ranges::generate(noise, [&] { return static_cast<std::uint8_t>(random()); });
    CHECK(decode(noise) == "not a state file");
    Bytes after_head = state_of_answers({});
    after_head.resize(52);
    after_head.insert(after_head.end(), noise.begin(), noise.end());
    CHECK(decode(after_head) == "damaged, or not whole");
  }
}

TEST_CASE("state: other trust is another key") {
  CHECK(decode(state_of_answers(some_answers(), Bytes(32, 8))) == "made with other trust anchors, stubs or upstreams");
  const auto hash = real_ports().hash;
  ResolverSettings settings;
  settings.trust_anchor_files = {"/usr/share/dns/root.key"};
  settings.stub_zones = {{"branch.example", {server("127.0.0.1")}}};
  const auto base = resolver_key(settings, hash);
  CHECK(base.size() == 32);
  CHECK(resolver_key(settings, hash) == base);
  const auto other = [&](auto change) {
    auto changed = settings;
    change(changed);
    return resolver_key(changed, hash) != base;
  };
  CHECK(other([](ResolverSettings& s) { s.trust_anchor_files[0] += '2'; }));
  CHECK(other([](ResolverSettings& s) { s.anchor_digest = "other contents"; }));
  CHECK(other([](ResolverSettings& s) { s.trust_anchors = {". DS 1 13 2 00"}; }));
  CHECK(other([](ResolverSettings& s) { s.auto_trust_anchor_file = "/var/lib/danegate/root.key"; }));
  CHECK(other([](ResolverSettings& s) { s.upstream = {server("127.0.0.1")}; }));
  CHECK(other([](ResolverSettings& s) { s.system_resolvers = true; }));
  CHECK(other([](ResolverSettings& s) { s.stub_zones[0].zone = "other.example"; }));
  CHECK(other([](ResolverSettings& s) { s.stub_zones[0].servers[0].port = 54; }));
  CHECK_FALSE(other([](ResolverSettings& s) { s.timeout = 1s; }));
}

TEST_CASE("compact: what is not as it was encoded is refused") {
  const Secure answer{{right_key(), record(3, 0, 0, octets("certificate"))}, 0, Wildcard::other};
  const auto good = encode_compact(answer).value();
  CHECK(decode_compact(good)->records == answer.records);
  for (std::size_t length = 0; length < good.size(); ++length)
    CHECK_FALSE(decode_compact(ByteView(good).first(length)));
  auto longer = good;
  longer.push_back(0);
  CHECK_FALSE(decode_compact(longer));
  auto wildcard = good;
  wildcard[4] = 3;
  CHECK_FALSE(decode_compact(wildcard));
  CHECK_FALSE(encode_compact(Secure{{record(3, 0, 0, Bytes(max_compact, 1))}, 0, Wildcard::none}));
  CHECK_FALSE(decode_compact(Bytes{0, 0, 0, 0, 0}));
  CHECK(decode_compact(Bytes{0, 0, 0x40, 0, 0})->malformed == max_compact);
  CHECK_FALSE(decode_compact(Bytes{0, 0, 0x40, 1, 0}));
}
