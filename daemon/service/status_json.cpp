#include "daemon/service/answer_json.h"
#include "daemon/service/log_format.h"
#include "daemon/service/status.h"

#include <nlohmann/json.hpp>

namespace danegate::service {

namespace {

using Json = nlohmann::ordered_json;

std::string time_text(std::chrono::system_clock::time_point time) {
  std::string text;
  append_timestamp(text, time);
  return text;
}

Json reload_object(const ReloadReport& report) {
  return {
      {"ok", report.ok()}, {"time", time_text(report.time)}, {"errors", report.errors}, {"warnings", report.warnings}};
}

Json verdicts_object(const VerdictTotals& verdicts) {
  Json results = Json::object();
  std::uint64_t total = 0;
  for (const auto result : VerdictTotals::results) {
    results[token(result)] = verdicts.of(result);
    total += verdicts.of(result);
  }
  Json actions = Json::object();
  for (const auto action : VerdictTotals::actions)
    actions[core::token(action)] = verdicts.of(action);
  return {{"total", total}, {"by_result", std::move(results)}, {"by_action", std::move(actions)}};
}

Json lookups_object(const Authenticator::Lookups& lookups) {
  return {{"claims", lookups.claims},
          {"requeries", lookups.requeries},
          {"roster", lookups.roster},
          {"probes", lookups.probes}};
}

Json roster_object(const Status& status) {
  Json object{{"names", status.roster_names},           {"secure", status.roster.secure},
              {"absent", status.roster.absent},         {"insecure", status.roster.insecure},
              {"unresolved", status.roster.unresolved}, {"soonest_signature_end", nullptr}};
  if (status.soonest_signature_end) object["soonest_signature_end"] = time_text(*status.soonest_signature_end);
  return object;
}

Json held_off_list(const std::vector<core::HoldOff::HeldZone>& zones) {
  const auto now = std::chrono::system_clock::now();
  Json list = Json::array();
  for (const auto& zone : zones) {
    Json object{{"domain", zone.parent.text()},   {"since", time_text(now - zone.lasted)},
                {"seconds", zone.lasted.count()}, {"next_probe", nullptr},
                {"refused", zone.refused},        {"why", core::why(*zone.last)}};
    if (zone.next_probe) object["next_probe"] = zone.next_probe->count();
    list.push_back(std::move(object));
  }
  return list;
}

Json overloads_object(const Overloads& overloads) {
  Json object = Json::object();
  for (std::size_t i = 0; i < bound_names.size(); ++i)
    object[bound_names.at(i)] = overloads.count(static_cast<Bound>(i));
  return object;
}

} // namespace

std::string as_json(const Status& status) {
  Json object{{"version", status.version},
              {"pid", status.pid},
              {"started", time_text(status.started)},
              {"uptime", status.uptime.count()},
              {"configuration", status.configuration},
              {"last_reload", nullptr},
              {"listeners", status.listeners},
              {"milter", status.milter},
              {"policy_connections", status.policy_connections},
              {"milter_messages", status.milter_messages},
              {"verdicts", verdicts_object(status.verdicts)},
              {"lookups", lookups_object(status.lookups)},
              {"cached_answers", status.cached_answers},
              {"roster", roster_object(status)},
              {"held_off", held_off_list(status.held_off)},
              {"overloads", overloads_object(status.overloads)}};
  if (status.last_reload) object["last_reload"] = reload_object(*status.last_reload);
  return json_line(object);
}

std::string as_json(const ReloadReport& report) {
  return json_line(reload_object(report));
}

} // namespace danegate::service
