#include "daemon/core/compact_answer.h"

#include <utility>

namespace danegate::core {

namespace {

constexpr std::size_t head_octets = 5;
constexpr std::size_t record_head_octets = 5;

void put16(Bytes& into, std::size_t value) {
  into.push_back(static_cast<std::uint8_t>(value >> 8U));
  into.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

std::size_t get16(ByteView octets, std::size_t at) noexcept {
  return static_cast<std::size_t>(octets[at]) << 8U | octets[at + 1];
}

std::optional<Wildcard> wildcard_of(std::uint8_t octet) noexcept {
  for (const auto wildcard : {Wildcard::none, Wildcard::below_underscore, Wildcard::other})
    if (static_cast<std::uint8_t>(wildcard) == octet) return wildcard;
  return std::nullopt;
}

} // namespace

std::optional<Bytes> encode_compact(const Secure& answer) {
  std::size_t length = head_octets;
  for (const auto& record : answer.records)
    length += record_head_octets + record.data.size();
  if (length > max_compact || answer.malformed > max_compact) return std::nullopt;
  Bytes octets;
  octets.reserve(length);
  put16(octets, answer.records.size());
  put16(octets, answer.malformed);
  octets.push_back(static_cast<std::uint8_t>(answer.wildcard));
  for (const auto& record : answer.records) {
    octets.insert(octets.end(), {record.usage, record.selector, record.matching});
    put16(octets, record.data.size());
    octets.insert(octets.end(), record.data.begin(), record.data.end());
  }
  return octets;
}

std::optional<Secure> decode_compact(ByteView octets) {
  if (octets.size() < head_octets || octets.size() > max_compact) return std::nullopt;
  const auto count = get16(octets, 0);
  const auto wildcard = wildcard_of(octets[4]);
  if (!wildcard) return std::nullopt;
  Secure answer;
  answer.malformed = get16(octets, 2);
  if (answer.malformed > max_compact) return std::nullopt;
  answer.wildcard = *wildcard;
  auto rest = octets.subspan(head_octets);
  for (std::size_t i = 0; i < count; ++i) {
    if (rest.size() < record_head_octets) return std::nullopt;
    const auto length = get16(rest, 3);
    if (length == 0 || rest.size() < record_head_octets + length) return std::nullopt;
    const auto data = rest.subspan(record_head_octets, length);
    answer.records.push_back({rest[0], rest[1], rest[2], Bytes(data.begin(), data.end())});
    rest = rest.subspan(record_head_octets + length);
  }
  if (!rest.empty() || answer.records.size() + answer.malformed == 0) return std::nullopt;
  return answer;
}

} // namespace danegate::core
