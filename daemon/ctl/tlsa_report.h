// TLSA lines to be published: text and JSON. Pure.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_record.h"

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

struct TlsaReport {
  core::DnsName owner;
  std::chrono::seconds ttl;
  std::vector<core::TlsaRecord> records;
  std::vector<std::string> warnings;
};

std::string tlsa_as_text(const TlsaReport& report); ///< without the warnings
std::string tlsa_as_json(const TlsaReport& report);

} // namespace danegate::ctl
