#include "daemon/ctl/lookup_report.h"
#include "daemon/ctl/presentation.h"
#include "daemon/service/answer_json.h"

#include <nlohmann/json.hpp>

namespace danegate::ctl {

namespace {

using Json = nlohmann::ordered_json;

/// `plain`: the record as it always stands.
Json record_object(Json plain, const core::TlsaRecord& record, const WhyNot& why_not) {
  Json unusable = Json::object();
  for (std::size_t i = 0; i < every_shown.size(); ++i)
    unusable[std::string(token(every_shown[i]))] = why_not[i];
  plain["record"] = presentation(record);
  plain["unusable"] = std::move(unusable);
  return plain;
}

Json answer_object(const LookupAnswer& found, const LookupReport& report) {
  const auto& answer = *found.answer;
  const Json plain = service::answer_as_json(answer);
  const bool is_explained = !core::is_definite(answer);
  Json object{{"owner", found.name.name.owner.text()},
              {"identity", found.name.name.identity.text()},
              {"from", found.name.from},
              {"state", plain["state"]},
              {"why", is_explained ? plain["why"] : Json(caveat(found, report.max_records))},
              {"ttl", plain["ttl"]},
              {"signatures_end", nullptr},
              {"signatures_left", nullptr},
              {"wildcard", plain["wildcard"]},
              {"malformed", plain["malformed"]},
              {"records", Json::array()}};
  if (answer.signatures_end) {
    object["signatures_end"] = utc(*answer.signatures_end);
    object["signatures_left"] = (*answer.signatures_end - report.now).count();
  }
  if (const auto* const secure = std::get_if<core::Secure>(&answer.outcome))
    for (std::size_t i = 0; i < secure->records.size(); ++i)
      object["records"].push_back(record_object(plain["records"][i], secure->records[i], found.usability[i]));
  return object;
}

} // namespace

std::string lookup_as_json(const LookupReport& report) {
  Json object{{"name", report.name}, {"state", token(state_of(report))}, {"answers", Json::array()}};
  for (const auto& answer : report.answers)
    object["answers"].push_back(answer_object(answer, report));
  return service::json_line(object);
}

} // namespace danegate::ctl
