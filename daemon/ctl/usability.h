// Of which use published records are, whatever the client's key: what each mail server's evidence can be compared with.
// Pure.
#pragma once

#include "daemon/core/tlsa_match.h"

#include <array>
#include <string_view>
#include <vector>

namespace danegate::ctl {

/// What a mail server shows of a client (MTAs differ; none sends the chain).
enum class Shown : std::uint8_t {
  postfix,         ///< SHA-256 of the certificate and of its key
  postfix_raw_key, ///< SHA-256 of the key
  sendmail,        ///< SHA-256 of the certificate
  exim,            ///< the certificate itself
};

inline constexpr std::array every_shown{Shown::postfix, Shown::postfix_raw_key, Shown::sendmail, Shown::exim};

std::string_view token(Shown shown) noexcept; ///< in JSON: "postfix-raw-key"
std::string_view words(Shown shown) noexcept; ///< for people: "Postfix (raw key)"

/// Parallel to every_shown: why the record cannot be judged; empty where it can.
using WhyNot = std::array<std::string_view, every_shown.size()>;

/// One per record, by the code that judges them in the daemon.
std::vector<WhyNot> usability(const core::Secure& answer, const core::DnsName& owner, core::HashFunction hash);

/// Can any of them be judged with anything?
bool any_usable(const std::vector<WhyNot>& records) noexcept;

} // namespace danegate::ctl
