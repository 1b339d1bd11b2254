// Results and reasons of a verdict: RFC 8601 section 2.7 words, each with one reason token.
//
// The table below is the only place that says how a reason is called in the log, as a metric label and in the
// Authentication-Results field, which setting of a rule it takes, which reply a deferral for it gets, and what the
// manual says of it. README.md's table is compared with it by a test.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace danegate::core {

/// Ordered by precedence: when several names were tried, the lowest value wins. `pass` here means a pass that satisfies
/// the rule; doubt (temperror) beats every other answer but that.
enum class Result : std::uint8_t { pass, temperror, permerror, policy, fail, none };

/// Ordered as the table: where two names end in the same result, the reason that stands first wins.
enum class Reason : std::uint8_t {
  match,
  bogus,
  dns_timeout,
  dns_failure,
  overload,
  weak_digest,
  bad_evidence,
  no_evidence,
  not_allowed,
  sender_not_allowed,
  mismatch,
  unusable,
  insecure,
  no_record,
  not_listed,
  no_name,
  no_certificate,
  no_tls,
};

/// Which setting of a rule decides what happens.
enum class Branch : std::uint8_t { on_pass, on_fail, on_none, on_unpublished, on_temperror };

struct ReasonInfo {
  Reason reason;
  Result result;
  Branch branch;
  std::string_view token;      ///< in logs, metrics and header fields
  std::string_view defer_code; ///< basic and enhanced status code of a deferral, e.g. "451 4.4.3"
  std::string_view meaning;    ///< one sentence for the manual
};

/// Refusals say the same whatever the cause; the cause stands in the log under the reference (RFC 3463 section 3.8).
inline constexpr std::string_view reject_code = "550 5.7.1";

inline constexpr std::array<ReasonInfo, 18> reason_table{{
    {Reason::match, Result::pass, Branch::on_pass, "match", "451 4.7.0",
     "a record matches the credential and the rule accepts the identity"},
    {Reason::bogus, Result::temperror, Branch::on_temperror, "bogus", "451 4.4.3", "DNSSEC validation failed"},
    {Reason::dns_timeout, Result::temperror, Branch::on_temperror, "dns-timeout", "451 4.4.3",
     "the zone's servers did not answer in time"},
    {Reason::dns_failure, Result::temperror, Branch::on_temperror, "dns-failure", "451 4.4.3",
     "the zone's servers answered with an error"},
    {Reason::overload, Result::temperror, Branch::on_temperror, "overload", "451 4.3.2",
     "one of danegate's own limits was reached"},
    {Reason::weak_digest, Result::permerror, Branch::on_temperror, "weak-digest", "451 4.3.5",
     "the mail server sends MD5 or SHA-1 fingerprints"},
    {Reason::bad_evidence, Result::permerror, Branch::on_temperror, "bad-evidence", "451 4.3.5",
     "what the mail server sent about the credential is unreadable or a known constant"},
    {Reason::no_evidence, Result::permerror, Branch::on_temperror, "no-evidence", "451 4.3.5",
     "TLS was seen, but the mail server did not say what the client presented"},
    {Reason::not_allowed, Result::policy, Branch::on_fail, "not-allowed", "451 4.7.0",
     "the client is authenticated, but the rule wants another identity"},
    {Reason::sender_not_allowed, Result::policy, Branch::on_fail, "sender-not-allowed", "451 4.7.0",
     "the client is authenticated, but may not send as this sender"},
    {Reason::mismatch, Result::fail, Branch::on_fail, "mismatch", "451 4.7.0",
     "usable records exist and none matches the credential"},
    {Reason::unusable, Result::fail, Branch::on_fail, "unusable", "451 4.7.0",
     "records exist and none can be judged with what the mail server sends"},
    {Reason::insecure, Result::none, Branch::on_unpublished, "insecure", "451 4.4.3", "the zone is not signed"},
    {Reason::no_record, Result::none, Branch::on_unpublished, "no-record", "451 4.4.3",
     "the zone proves that there is no record"},
    {Reason::not_listed, Result::none, Branch::on_none, "not-listed", "451 4.7.0",
     "no name that the client claims is on the lookup list"},
    {Reason::no_name, Result::none, Branch::on_none, "no-name", "451 4.7.0", "the client claims no usable name"},
    {Reason::no_certificate, Result::none, Branch::on_none, "no-certificate", "451 4.7.0",
     "the client presented no certificate and no raw public key"},
    {Reason::no_tls, Result::none, Branch::on_none, "no-tls", "451 4.7.0", "the session is not encrypted"},
}};

constexpr const ReasonInfo& info(Reason reason) noexcept {
  return reason_table[static_cast<std::size_t>(reason)];
}

constexpr Result result_of(Reason reason) noexcept {
  return info(reason).result;
}

/// True if `a` wins over `b` where several names or several kinds of doubt met in one verdict.
constexpr bool takes_precedence(Reason a, Reason b) noexcept {
  return a < b;
}

constexpr std::string_view token(Result result) noexcept {
  switch (result) {
  case Result::pass: return "pass";
  case Result::temperror: return "temperror";
  case Result::permerror: return "permerror";
  case Result::policy: return "policy";
  case Result::fail: return "fail";
  case Result::none: return "none";
  }
  return "permerror"; // not a Result: never a pass
}

constexpr std::string_view token(Reason reason) noexcept {
  return info(reason).token;
}

static_assert([] {
  for (std::size_t i = 0; i < reason_table.size(); ++i) {
    if (static_cast<std::size_t>(reason_table[i].reason) != i) return false;
    if (i > 0 && reason_table[i].result < reason_table[i - 1].result) return false; // precedence is the table's order
  }
  return true;
}());

} // namespace danegate::core
