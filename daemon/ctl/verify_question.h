// The question that `danegate verify` puts: a session in which the client claims the name, at a service without rules.
// Pure.
#pragma once

#include "daemon/core/auth_flow.h"

#include <expected>
#include <memory>
#include <string>
#include <string_view>

namespace danegate::ctl {

struct VerifyQuestion {
  std::shared_ptr<const core::RuleSet> rules; ///< no rule, every name open to lookup
  core::Question question;                    ///< its service is one of these
};

/// `service` empty: of `services`, the first one that makes an owner name of the name. An owner name is looked up as it
/// stands. The error is for people.
std::expected<VerifyQuestion, std::string> question_about(std::string_view name, std::string_view service,
                                                          std::span<const core::Service> services,
                                                          const core::Ports& ports);

} // namespace danegate::ctl
