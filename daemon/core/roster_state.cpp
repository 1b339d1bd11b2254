#include "daemon/core/roster_state.h"

#include <algorithm>
#include <string>
#include <utility>

namespace danegate::core {

namespace {

constexpr std::string_view magic = "danegate roster\n";
constexpr std::size_t key_octets = 32;
constexpr std::size_t trailer_octets = 2 + 8 + 8 + 8;
constexpr std::uint64_t checksum_start = 0xcbf29ce484222325U;

enum class Kind : std::uint8_t { secure = 1, absent = 2, insecure = 3 };

std::uint64_t checksum_over(std::uint64_t checksum, std::uint8_t octet) noexcept {
  return (checksum ^ octet) * 0x100000001b3U;
}

/// Reads from the front; once something is missing, everything is.
class Reader {
public:
  explicit Reader(ByteView octets) : rest_(octets) {}

  bool failed() const noexcept { return failed_; }

  bool at_end() const noexcept { return rest_.empty(); }

  ByteView octets(std::size_t count) {
    if (failed_ || rest_.size() < count) {
      failed_ = true;
      return {};
    }
    const auto taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  std::uint64_t number(unsigned count) {
    std::uint64_t value = 0;
    for (const auto octet : octets(count))
      value = value << 8U | octet;
    return value;
  }

private:
  ByteView rest_;
  bool failed_ = false;
};

std::string text_of(ByteView octets) {
  return {octets.begin(), octets.end()};
}

/// nullopt: not as the encoder writes it.
std::optional<TlsaOutcome> outcome_of(std::uint64_t kind, ByteView records) {
  if (kind == static_cast<std::uint64_t>(Kind::secure)) {
    auto secure = decode_compact(records);
    if (!secure) return std::nullopt;
    return TlsaOutcome(std::move(*secure));
  }
  if (!records.empty()) return std::nullopt;
  if (kind == static_cast<std::uint64_t>(Kind::absent)) return TlsaOutcome(Absent{});
  if (kind == static_cast<std::uint64_t>(Kind::insecure)) return TlsaOutcome(Insecure{});
  return std::nullopt;
}

std::optional<std::pair<DnsName, RosterRecord>> read_answer(Reader& reader, std::size_t name_octets) {
  const auto owner = DnsName::parse(text_of(reader.octets(name_octets)));
  const auto kind = reader.number(1);
  const auto written = reader.number(8);
  const auto life = reader.number(4);
  const auto ttl = reader.number(4);
  const auto signatures_end = reader.number(4);
  const auto length = static_cast<std::size_t>(reader.number(2));
  const auto records = reader.octets(length);
  constexpr std::uint64_t latest = std::uint64_t{1} << 52U; // what a clock can say without an overflow anywhere
  if (reader.failed() || !owner || written > latest) return std::nullopt;
  auto outcome = outcome_of(kind, records);
  if (!outcome) return std::nullopt;
  TlsaAnswer answer{std::move(*outcome), std::chrono::seconds(ttl), false, std::nullopt};
  if (signatures_end != 0) answer.signatures_end = std::chrono::sys_seconds(std::chrono::seconds(signatures_end));
  return std::pair(*owner, RosterRecord{TimePoint(std::chrono::milliseconds(written)), std::chrono::milliseconds(life),
                                        std::move(answer)});
}

struct Body {
  std::size_t answers = 0;
  std::uint64_t finished = 0;
};

/// Reads every answer; nullopt if something is not as the encoder writes it.
std::optional<Body> read_body(Reader reader, const StateVisitor& visit) {
  Body body;
  while (const auto name_octets = static_cast<std::size_t>(reader.number(2))) {
    const auto answer = read_answer(reader, name_octets);
    if (!answer) return std::nullopt;
    ++body.answers;
    if (visit) visit(answer->first, answer->second);
  }
  body.finished = reader.number(8);
  const bool whole = reader.number(8) == body.answers && !reader.failed() && reader.at_end();
  return whole ? std::optional(body) : std::nullopt;
}

std::uint64_t since_1970(TimePoint time) noexcept {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(time.time_since_epoch().count(), 0));
}

void append(Bytes& into, std::string_view text) {
  into.insert(into.end(), text.begin(), text.end());
  into.push_back(0);
}

void append(Bytes& into, const std::vector<Upstream>& servers) {
  for (const auto& server : servers)
    append(into, server.address + '@' + std::to_string(server.port) + (server.tls ? " tls " : " ") + server.tls_name);
  into.push_back(1);
}

} // namespace

Bytes resolver_key(const ResolverSettings& settings, HashFunction hash) {
  Bytes text;
  for (const auto& file : settings.trust_anchor_files)
    append(text, file);
  append(text, settings.anchor_digest);
  for (const auto& line : settings.trust_anchors)
    append(text, line);
  append(text, settings.auto_trust_anchor_file);
  append(text, settings.upstream);
  append(text, settings.system_resolvers ? "system" : "");
  for (const auto& stub : settings.stub_zones) {
    append(text, stub.zone);
    append(text, stub.servers);
  }
  return hash(DigestAlgorithm::sha256, text);
}

RosterStateEncoder::RosterStateEncoder(ByteView key) : checksum_(checksum_start) {
  put(magic);
  put(roster_state_version, 4);
  for (std::size_t i = 0; i < key_octets; ++i)
    put_octet(i < key.size() ? key[i] : std::uint8_t{0});
}

void RosterStateEncoder::put_octet(std::uint8_t octet) {
  checksum_ = checksum_over(checksum_, octet);
  out_.push_back(octet);
}

void RosterStateEncoder::put(std::uint64_t value, unsigned octets) {
  for (unsigned i = octets; i > 0; --i)
    put_octet(static_cast<std::uint8_t>(value >> (8U * (i - 1)) & 0xffU));
}

void RosterStateEncoder::put(std::string_view text) {
  for (const char c : text)
    put_octet(static_cast<std::uint8_t>(c));
}

void RosterStateEncoder::add(const DnsName& owner, const RosterRecord& record) {
  Bytes records;
  auto kind = Kind::absent;
  if (const auto* secure = std::get_if<Secure>(&record.answer.outcome)) {
    auto compact = encode_compact(*secure);
    if (!compact) return;
    records = std::move(*compact);
    kind = Kind::secure;
  } else if (std::holds_alternative<Insecure>(record.answer.outcome)) {
    kind = Kind::insecure;
  } else if (!std::holds_alternative<Absent>(record.answer.outcome)) {
    return;
  }
  const auto clamped = [](std::int64_t value) {
    return static_cast<std::uint64_t>(std::clamp<std::int64_t>(value, 0, UINT32_MAX));
  };
  const auto& end = record.answer.signatures_end;
  put(owner.text().size(), 2);
  put(owner.text());
  put(static_cast<std::uint64_t>(kind), 1);
  put(since_1970(record.written), 8);
  put(clamped(record.life.count()), 4);
  put(clamped(record.answer.ttl.count()), 4);
  put(end ? clamped(end->time_since_epoch().count()) : 0, 4);
  put(records.size(), 2);
  for (const auto octet : records)
    put_octet(octet);
  ++count_;
}

void RosterStateEncoder::end(TimePoint finished) {
  put(0, 2);
  put(since_1970(finished), 8);
  put(count_, 8);
  put(checksum_, 8);
}

Bytes RosterStateEncoder::take() {
  return std::exchange(out_, {});
}

std::string_view describe(StateError error) noexcept {
  switch (error) {
  case StateError::not_one: return "not a state file";
  case StateError::newer: return "written by a newer version";
  case StateError::older: return "written by an older version";
  case StateError::damaged: return "damaged, or not whole";
  case StateError::other_resolver: return "made with other trust anchors, stubs or upstreams";
  case StateError::clock_set_back: return "written in the future: the clock was set back";
  }
  return "unreadable";
}

std::expected<std::size_t, StateError> decode_roster_state(ByteView file, ByteView key, TimePoint now,
                                                           const StateVisitor& visit) {
  Reader head(file);
  const auto begin = head.octets(magic.size());
  const auto version = head.number(4);
  const auto file_key = head.octets(key_octets);
  if (begin.empty() || text_of(begin) != magic) return std::unexpected(StateError::not_one);
  if (!head.failed() && version > roster_state_version) return std::unexpected(StateError::newer);
  if (!head.failed() && version < roster_state_version) return std::unexpected(StateError::older);
  const auto head_octets = magic.size() + 4 + key_octets;
  if (head.failed() || file.size() < head_octets + trailer_octets) return std::unexpected(StateError::damaged);
  auto checksum = checksum_start;
  for (const auto octet : file.first(file.size() - 8))
    checksum = checksum_over(checksum, octet);
  const auto octets = file.subspan(head_octets, file.size() - head_octets - 8);
  const auto body = read_body(Reader(octets), nullptr);
  if (Reader(file.last(8)).number(8) != checksum || !body) return std::unexpected(StateError::damaged);
  if (!std::ranges::equal(file_key, key)) return std::unexpected(StateError::other_resolver);
  if (body->finished > since_1970(now)) return std::unexpected(StateError::clock_set_back);
  read_body(Reader(octets), visit);
  return body->answers;
}

} // namespace danegate::core
