#include "policy/explain_json.h"

#include "daemon/service/answer_json.h"
#include "policy/explanation.h"

#include <nlohmann/json.hpp>

namespace danegate::policy {

namespace {

using Json = nlohmann::ordered_json;

/// What became of one record.
void add_judgement(Json& record, const core::RecordJudgement* judgement) {
  record["usable"] = judgement && judgement->verdict != core::RecordVerdict::unusable;
  record["why"] = judgement ? judgement->why : "not judged";
  record["matches"] = judgement && judgement->verdict == core::RecordVerdict::matches;
}

Json answer_object(const core::NameTrace& trace) {
  if (!trace.answer) return nullptr;
  Json object = service::answer_as_json(*trace.answer);
  auto& records = object["records"];
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool judged = trace.match && i < trace.match->records.size();
    add_judgement(records[i], judged ? &trace.match->records[i] : nullptr);
  }
  if (trace.match) object["why"] = trace.match->why;
  return object;
}

Json name_object(const core::NameTrace& trace) {
  return {{"owner", trace.name ? trace.name->owner.text() : std::string()},
          {"identity", trace.name ? trace.name->identity.text() : std::string()},
          {"from", trace.from},
          {"no_name", trace.name ? std::string_view() : trace.no_name},
          {"duplicate", trace.duplicate},
          {"listed", trace.listed},
          {"cached", trace.cached},
          {"requeried", trace.requeried},
          {"answer", answer_object(trace)}};
}

/// The keys of an outcome where there is none.
Json no_outcome() {
  Json object;
  for (const auto* const key : {"result", "reason", "detail", "action", "rule", "mode", "identity", "owner", "dnssec"})
    object[key] = "";
  return object;
}

} // namespace

Json outcome_as_json(const core::Decision& decision, const core::Outcome& outcome) {
  const auto* const name = decision.name_of(outcome);
  const auto* const answer = name ? name->answer.get() : nullptr;
  return {{"result", token(outcome.result())},
          {"reason", token(outcome.reason)},
          {"detail", outcome.detail},
          {"action", token(outcome.action)},
          {"rule", outcome.rule ? outcome.rule->name : std::string()},
          {"mode", token(outcome.mode)},
          {"identity", core::authenticated_identity(decision, outcome)},
          {"owner", name && name->name ? name->name->owner.text() : std::string()},
          {"dnssec", answer ? core::state_of(*answer) : std::string_view()}};
}

Json names_as_json(const core::Decision& decision) {
  Json names = Json::array();
  for (const auto& trace : decision.names)
    names.push_back(name_object(trace));
  return names;
}

std::string explain_as_json(const Explanation& explanation) {
  const auto& decision = explanation.decision;
  Json object = decision ? outcome_as_json(*decision, decision->outcome) : no_outcome();
  object["service"] = explanation.service;
  object["reply"] = explanation.reply;
  object["note"] = explanation.note;
  object["state"] = explanation.state;
  object["monitored"] = Json::array();
  object["names"] = decision ? names_as_json(*decision) : Json::array();
  if (decision)
    for (const auto& outcome : decision->monitored)
      object["monitored"].push_back(outcome_as_json(*decision, outcome));
  return service::json_line(object);
}

} // namespace danegate::policy
