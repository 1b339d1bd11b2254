// Digests by OpenSSL: the core's HashFunction.
#pragma once

#include "daemon/core/ports.h"

namespace danegate::tls {

/// The digest of `data`; empty if the library fails (MD5 under a FIPS policy, say). Any thread.
core::Bytes hash(core::DigestAlgorithm algorithm, core::ByteView data);

} // namespace danegate::tls
