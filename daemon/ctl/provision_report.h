// What `danegate provision` has made and what is to be done now; text here, JSON in tlsa_json.cpp. Pure.
//
// JSON: one object.
//   name, owner       whose keys these are, and where their records are published
//   raw_key, switched what was asked for
//   warnings          a list of texts
//   keys              each with role (current, next or old), file, made (just now), owner, ttl, usage, selector,
//                     matching, data (hexadecimal) and line (of a zone file)
//   main_cf           lines for the sending Postfix, as they stand
//   tell              what the other side has to know, a list of texts
//   steps             what to do, in order, a list of texts
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_record.h"
#include "daemon/ctl/terminal.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

enum class KeyRole : std::uint8_t { current, next, old };

std::string_view token(KeyRole role) noexcept;

struct ProvisionedKey {
  KeyRole role;
  std::string file;
  core::TlsaRecord record; ///< 3 1 1
  bool made = false;       ///< just now
};

struct ProvisionReport {
  core::DnsName name;
  core::DnsName owner;
  std::chrono::seconds ttl{3600};
  std::string command; ///< "danegate provision mta1.acme.example", with the options that these keys need
  bool raw_key = false;
  bool switched = false;
  std::vector<ProvisionedKey> keys; ///< the current one first
  std::vector<std::string> warnings;
};

std::vector<std::string> main_cf_lines(const ProvisionReport& report);
std::vector<std::string> tell_lines(const ProvisionReport& report);
std::vector<std::string> step_lines(const ProvisionReport& report);

/// Lines to be copied (records, main.cf) begin at the margin, everything else is indented or ends with a colon.
std::string provision_as_text(const ProvisionReport& report, const Style& style);
std::string provision_as_json(const ProvisionReport& report);

} // namespace danegate::ctl
