#include "daemon/ctl/lookup_report.h"

#include "daemon/core/overloaded.h"

#include <algorithm>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

bool too_many(const core::Secure& secure, std::size_t max_records) noexcept {
  return secure.records.size() + secure.malformed > max_records;
}

LookupState state_of(const LookupAnswer& answer, std::size_t max_records) {
  return std::visit(core::Overloaded{
                        [&](const core::Secure& secure) {
                          if (too_many(secure, max_records)) return LookupState::failed;
                          return any_usable(answer.usability) ? LookupState::records : LookupState::unusable;
                        },
                        [](const core::Absent&) { return LookupState::absent; },
                        [](const core::Insecure&) { return LookupState::insecure; },
                        [](const core::Bogus&) { return LookupState::bogus; },
                        [](const core::Failed&) { return LookupState::failed; },
                    },
                    answer.answer->outcome);
}

} // namespace

std::string_view token(LookupState state) noexcept {
  switch (state) {
  case LookupState::records: return "records";
  case LookupState::failed: return "failed";
  case LookupState::bogus: return "bogus";
  case LookupState::unusable: return "unusable";
  case LookupState::insecure: return "insecure";
  case LookupState::absent: return "absent";
  }
  return "failed";
}

LookupState state_of(const LookupReport& report) {
  auto state = LookupState::absent;
  for (const auto& answer : report.answers)
    state = std::min(state, state_of(answer, report.max_records));
  return state;
}

int exit_code(LookupState state) noexcept {
  switch (state) {
  case LookupState::records: return EX_OK;
  case LookupState::absent: return 1;
  case LookupState::insecure: return 2;
  case LookupState::bogus: return 3;
  case LookupState::unusable: return 4;
  case LookupState::failed: return EX_TEMPFAIL;
  }
  return EX_TEMPFAIL;
}

std::string_view caveat(const LookupAnswer& answer, std::size_t max_records) noexcept {
  const auto* const secure = std::get_if<core::Secure>(&answer.answer->outcome);
  if (!secure) return {};
  if (too_many(*secure, max_records)) return "more records than limits.records-per-name: temperror (overload)";
  if (secure->wildcard == core::Wildcard::other)
    return "made by a wildcard that does not stand below an underscore label: counts only for a rule that names the "
           "identity in full";
  return {};
}

} // namespace danegate::ctl
