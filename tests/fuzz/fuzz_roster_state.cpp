// Any octets as the roster's state file. The first octet says how: even, they are the file; odd, they are what stands
// between its head and its checksum, so that the parser behind the checksum is reached.
#include "daemon/core/roster_state.h"
#include "tests/fuzz/require.h"

#include <utility>
#include <vector>

using namespace danegate::core;
using danegate::test::require;

namespace {

const Bytes key(32, 7);
const TimePoint now{std::chrono::milliseconds{1'760'000'000'000}};

using Answers = std::vector<std::pair<DnsName, RosterRecord>>;

/// FNV-1a of 64 bits, once more: from its definition, not from the code that is tested.
void seal(Bytes& file) {
  std::uint64_t hash = 14695981039346656037U;
  for (const auto octet : file)
    hash = (hash ^ octet) * 1099511628211U;
  for (unsigned shift = 64; shift > 0; shift -= 8)
    file.push_back(static_cast<std::uint8_t>(hash >> (shift - 8)));
}

Bytes file_of(ByteView input) {
  if (input.empty() || input[0] % 2 == 0) return {input.begin() + (input.empty() ? 0 : 1), input.end()};
  Bytes file = RosterStateEncoder(key).take();
  file.insert(file.end(), input.begin() + 1, input.end());
  seal(file);
  return file;
}

Bytes encode(const Answers& answers) {
  RosterStateEncoder encoder(key);
  for (const auto& [owner, record] : answers)
    encoder.add(owner, record);
  encoder.end(now);
  return encoder.take();
}

std::expected<std::size_t, StateError> decode(ByteView file, Answers& into) {
  return decode_roster_state(
      file, key, now, [&](const DnsName& owner, const RosterRecord& record) { into.emplace_back(owner, record); });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes file = file_of({data, size});
  Answers answers;
  const auto count = decode(file, answers);
  if (!count) return require(answers.empty(), "nothing is taken from a file that is refused"), 0;
  require(*count == answers.size(), "every answer is counted, and visited");
  for (const auto& [owner, record] : answers) {
    require(is_definite(record.answer), "a failure is never stored");
    require(record.life.count() >= 0 && record.written.time_since_epoch().count() >= 0, "nor a time before all times");
  }

  const auto before = decode_roster_state(file, key, TimePoint{}, nullptr);
  require(before || before.error() == StateError::clock_set_back, "what is wrong with it later is its time alone");

  const Bytes written = encode(answers);
  Answers again;
  const auto same = decode(written, again);
  require(same && *same == *count && encode(again) == written, "what was read is written and read again");

  Answers none;
  const auto other = decode_roster_state(
      file, Bytes(32, 8), now, [&](const auto& owner, const auto& record) { none.emplace_back(owner, record); });
  require(!other && other.error() == StateError::other_resolver && none.empty(), "another resolver's is of no use");
  file[size % file.size()] ^= 1;
  require(!decode(file, none) && none.empty(), "an octet that changed is noticed");
  return 0;
}
