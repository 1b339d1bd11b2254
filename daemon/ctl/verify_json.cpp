#include "daemon/ctl/verify_report.h"
#include "daemon/service/answer_json.h"
#include "policy/explain_json.h"

#include <nlohmann/json.hpp>

namespace danegate::ctl {

std::string verify_as_json(const VerifyReport& report) {
  const auto& decision = report.decision;
  const auto outcome = policy::outcome_as_json(decision, decision.outcome);
  nlohmann::ordered_json object{{"name", report.name},
                                {"service", decision.service ? decision.service->name : std::string()}};
  for (const auto* const key : {"result", "reason", "detail", "identity", "owner", "dnssec"})
    object[key] = outcome[key];
  object["note"] = note_on(report);
  object["names"] = policy::names_as_json(decision);
  return service::json_line(object);
}

} // namespace danegate::ctl
