// What `danegate lookup` found: plain data; text, JSON and the exit code are made from it. Pure.
//
// JSON: one object.
//   name      as asked for
//   state     records, unusable, absent, insecure, bogus or failed: what the exit code says
//   answers   in the order in which a verdict tries them, each with
//     owner, identity, from (services and templates, or "as given")
//     state             secure, absent, insecure, bogus or failed (core/tlsa_answer.h)
//     why               of bogus and failed; of a secure answer that does not count, or not for every rule
//     ttl               seconds as DNS said, null where there is none
//     signatures_end    UTC, null where no signature was seen
//     signatures_left   seconds from now until then, null likewise
//     wildcard          none, below-underscore or other
//     malformed         records too short to be read
//     records           usage, selector, matching, data (hexadecimal), record (presentation form), and
//                       unusable: an object of "postfix", "postfix-raw-key", "sendmail", "exim": why it cannot be
//                       judged with what such a server shows; "" where it can
#pragma once

#include "daemon/core/tlsa_answer.h"
#include "daemon/ctl/owner_choice.h"
#include "daemon/ctl/terminal.h"
#include "daemon/ctl/usability.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

struct LookupAnswer {
  NameToTry name;
  core::AnswerPtr answer;
  std::vector<WhyNot> usability; ///< of a secure answer: one per record
};

struct LookupReport {
  std::string name;
  std::vector<LookupAnswer> answers; ///< at least one
  std::size_t max_records = 64;      ///< limits.records-per-name: more in one answer are temperror for the daemon
  std::chrono::sys_seconds now{};
};

/// What all answers say together. As in a verdict, doubt comes before every answer but records that can be judged.
enum class LookupState : std::uint8_t { records, failed, bogus, unusable, insecure, absent };

std::string_view token(LookupState state) noexcept;

LookupState state_of(const LookupReport& report);
/// records 0, absent 1, insecure 2, bogus 3, unusable 4, failed 75 (EX_TEMPFAIL).
int exit_code(LookupState state) noexcept;

/// Why a secure answer does not count, or not for every rule; empty otherwise.
std::string_view caveat(const LookupAnswer& answer, std::size_t max_records) noexcept;

std::string lookup_as_text(const LookupReport& report, const Style& style);
std::string lookup_as_json(const LookupReport& report);

} // namespace danegate::ctl
