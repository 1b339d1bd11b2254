// The libraries behind core::Ports: OpenSSL for digests, libidn2 for A-labels.
#pragma once

#include "daemon/core/ports.h"

namespace danegate::service {

core::Ports library_ports() noexcept;

} // namespace danegate::service
