// Which digests stand for a record, and for the evidence of a session. Internal to the roster.
//
// Only records that evidence can hit: usage 3 with selector 0 or 1, as a SHA-256 or SHA-512 digest, or as full data,
// which is indexed under both of its digests.
#pragma once

#include "daemon/core/digest_index.h"
#include "daemon/core/evidence.h"
#include "daemon/core/identity.h"
#include "daemon/core/tlsa_record.h"

#include <vector>

namespace danegate::core {

bool is_usable_by_digest(const TlsaRecord& record) noexcept;

/// The keys of one record: none, one or two.
std::vector<DigestIndex::Key> keys_of(const TlsaRecord& record, HashFunction hash);

/// The keys under which a record that matches this evidence stands, most telling first.
std::vector<DigestIndex::Key> keys_of(const Evidence& evidence, HashFunction hash);

template <typename Handle>
void for_each_digest(const TlsaRecord& record, HashFunction hash, const Handle& handle) {
  for (const auto key : keys_of(record, hash))
    handle(key);
}

/// One operator, as far as names can tell: one domain is the other's or lies within it, or both have the same parent
/// of at least two labels.
bool are_related(const Identity& a, const Identity& b);

} // namespace danegate::core
