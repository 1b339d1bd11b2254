// The records of a secure answer in one small block of memory, for a roster of a million and for its state file.
//
//   octets 0..1  records; 2..3 records too short to be read; 4 how a wildcard made it; then for each record usage,
//   selector, matching type, two octets of length, data. Integers are big-endian.
//
// decode() is a parser: it reads what a file may hold, and refuses whatever encode() would not have written.
#pragma once

#include "daemon/core/tlsa_answer.h"

#include <cstddef>
#include <optional>

namespace danegate::core {

inline constexpr std::size_t max_compact = 16384; ///< octets; an answer that needs more is not kept in a roster

/// nullopt if it would be longer than max_compact.
std::optional<Bytes> encode_compact(const Secure& answer);

/// nullopt if the octets are not a whole answer and nothing else.
std::optional<Secure> decode_compact(ByteView octets);

} // namespace danegate::core
