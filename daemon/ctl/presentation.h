// Records and times as people and zone files write them. Pure.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_record.h"

#include <chrono>
#include <string>

namespace danegate::ctl {

/// "3 1 1 3e98..." in full (RFC 6698 section 2.2).
std::string presentation(const core::TlsaRecord& record);

/// A line of a zone file: "_smtp-client.mta1.acme.example. 3600 IN TLSA 3 1 1 3e98...".
std::string zone_line(const core::DnsName& owner, std::chrono::seconds ttl, const core::TlsaRecord& record);

/// "2026-11-22T06:21:47Z"
std::string utc(std::chrono::sys_seconds time);

/// "28 days", "5 hours", "12 minutes" or "40 seconds": rounded down, never in more than one unit.
std::string about(std::chrono::seconds duration);

} // namespace danegate::ctl
