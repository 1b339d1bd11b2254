// One request explained, by the tool with a resolver of its own and by the daemon with all that it knows. Pure: whoever
// calls has the question judged in between.
//
// Each request is judged by itself: what is remembered of a message between RCPT and DATA is not known here.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/auth_flow.h"
#include "policy/explanation.h"
#include "policy/request.h"

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::policy {

/// A request that is being explained.
struct OpenExplanation {
  Explanation explanation;
  Stage stage = Stage::unknown;
  std::optional<core::Question> question; ///< to be judged; absent: no verdict is given for such a request
};

/// `text`: a request that is complete and right (requests.h). `certificate` is added to the evidence, as if the mail
/// server had sent it; the error says so if its fingerprint is not the request's.
std::expected<OpenExplanation, std::string> begin_explanation(std::string_view text, const config::Config& config,
                                                              const std::optional<core::Certificate>& certificate,
                                                              const core::Ports& ports);

/// `config` is the one that it was begun with.
Explanation finish_explanation(OpenExplanation open, core::Decision decision, const config::Config& config);

/// Gives the verdict; waits for DNS.
using JudgeNow = std::function<core::Decision(core::Question)>;

/// All of it, for one who has no roster.
std::expected<Explanation, std::string> explain_request(std::string_view text, const config::Config& config,
                                                        const std::optional<core::Certificate>& certificate,
                                                        const core::Ports& ports, const JudgeNow& judge);

} // namespace danegate::policy
