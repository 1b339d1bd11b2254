#include "daemon/service/ports.h"

#include "daemon/dns/idna.h"
#include "daemon/tls/hash.h"

namespace danegate::service {

core::Ports library_ports() noexcept {
  return {tls::hash, dns::to_ascii};
}

} // namespace danegate::service
