#include "daemon/core/digest.h"
#include "daemon/ctl/presentation.h"
#include "daemon/ctl/provision_report.h"
#include "daemon/ctl/tlsa_report.h"
#include "daemon/service/answer_json.h"

#include <nlohmann/json.hpp>

namespace danegate::ctl {

namespace {

using Json = nlohmann::ordered_json;

Json record_object(const core::DnsName& owner, std::chrono::seconds ttl, const core::TlsaRecord& record) {
  return {{"owner", owner.text()},
          {"ttl", ttl.count()},
          {"usage", record.usage},
          {"selector", record.selector},
          {"matching", record.matching},
          {"data", core::to_hex(record.data)},
          {"line", zone_line(owner, ttl, record)}};
}

} // namespace

std::string tlsa_as_json(const TlsaReport& report) {
  Json object{{"records", Json::array()}, {"warnings", report.warnings}};
  for (const auto& record : report.records)
    object["records"].push_back(record_object(report.owner, report.ttl, record));
  return service::json_line(object);
}

std::string provision_as_json(const ProvisionReport& report) {
  Json object{{"name", report.name.text()},       {"owner", report.owner.text()}, {"raw_key", report.raw_key},
              {"switched", report.switched},      {"warnings", report.warnings},  {"keys", Json::array()},
              {"main_cf", main_cf_lines(report)}, {"tell", tell_lines(report)},   {"steps", step_lines(report)}};
  for (const auto& key : report.keys) {
    auto each = record_object(report.owner, report.ttl, key.record);
    each["role"] = token(key.role);
    each["file"] = key.file;
    each["made"] = key.made;
    object["keys"].push_back(std::move(each));
  }
  return service::json_line(object);
}

} // namespace danegate::ctl
