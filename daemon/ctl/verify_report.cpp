#include "daemon/ctl/verify_report.h"

#include "policy/explanation.h"

#include <fmt/format.h>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

Tone tone_of(core::Result result) noexcept {
  switch (result) {
  case core::Result::pass: return Tone::good;
  case core::Result::none: return Tone::doubtful;
  case core::Result::fail:
  case core::Result::policy:
  case core::Result::temperror:
  case core::Result::permerror: return Tone::bad;
  }
  return Tone::bad;
}

} // namespace

int exit_code(core::Result result) noexcept {
  switch (result) {
  case core::Result::pass: return EX_OK;
  case core::Result::fail:
  case core::Result::policy: return 1;
  case core::Result::none: return 2;
  case core::Result::temperror: return EX_TEMPFAIL;
  case core::Result::permerror: return EX_DATAERR;
  }
  return EX_SOFTWARE;
}

std::string_view note_on(const VerifyReport& report) noexcept {
  const auto& outcome = report.decision.outcome;
  const auto* const name = report.decision.name_of(outcome);
  if (outcome.reason != core::Reason::unusable || !name || !name->answer) return {};
  const auto* const secure = std::get_if<core::Secure>(&name->answer->outcome);
  if (!secure || secure->wildcard != core::Wildcard::other) return {};
  return "a rule that names the identity in full would take this answer";
}

namespace {

std::string why(const core::Outcome& outcome) {
  if (!outcome.detail.empty()) return printable(outcome.detail);
  if (outcome.reason == core::Reason::match) return "a record matches the credential"; // no rule was asked
  return std::string(core::info(outcome.reason).meaning);
}

} // namespace

std::string verify_as_text(const VerifyReport& report, const Style& style) {
  const auto& outcome = report.decision.outcome;
  auto text = style.paint(tone_of(outcome.result()),
                          fmt::format("{} ({})", core::token(outcome.result()), core::token(outcome.reason)));
  text += fmt::format(": {}\n", why(outcome));
  if (const auto identity = core::authenticated_identity(report.decision, outcome); !identity.empty())
    text += fmt::format("identity:   {}\n", printable(identity));
  if (const auto note = note_on(report); !note.empty()) text += fmt::format("note:       {}\n", note);
  return text + policy::names_as_text(report.decision);
}

} // namespace danegate::ctl
