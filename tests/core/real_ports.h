// The ports of the core with the product's own hash function and the fake IDNA converter.
#pragma once

#include "daemon/core/ports.h"
#include "daemon/tls/hash.h"
#include "tests/support/fake_idna.h"

namespace danegate::test {

inline core::Ports real_ports() {
  return {tls::hash, fake_to_ascii};
}

} // namespace danegate::test
