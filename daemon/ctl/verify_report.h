// What `danegate verify` found; text, JSON and the exit code. Pure.
#pragma once

#include "daemon/core/decision.h"
#include "daemon/ctl/terminal.h"

#include <string>
#include <string_view>

namespace danegate::ctl {

struct VerifyReport {
  std::string name;
  core::Decision decision; ///< by a service without rules
};

/// pass 0, fail 1, none 2, temperror 75 (EX_TEMPFAIL), permerror 65 (EX_DATAERR); policy, which needs a rule, 1.
int exit_code(core::Result result) noexcept;

/// What else is to be known about the outcome; empty: nothing.
std::string_view note_on(const VerifyReport& report) noexcept;

std::string verify_as_text(const VerifyReport& report, const Style& style);

std::string verify_as_json(const VerifyReport& report);

} // namespace danegate::ctl
