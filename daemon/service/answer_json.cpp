#include "daemon/service/answer_json.h"

#include "daemon/core/digest.h"
#include "daemon/core/overloaded.h"

#include <nlohmann/json.hpp>

namespace danegate::service {

namespace {

using Json = nlohmann::ordered_json;

std::string_view token(core::Wildcard wildcard) noexcept {
  switch (wildcard) {
  case core::Wildcard::none: return "none";
  case core::Wildcard::below_underscore: return "below-underscore";
  case core::Wildcard::other: return "other";
  }
  return "other";
}

Json record_list(const core::Secure& secure) {
  Json list = Json::array();
  for (const auto& record : secure.records)
    list.push_back({{"usage", record.usage},
                    {"selector", record.selector},
                    {"matching", record.matching},
                    {"data", core::to_hex(record.data)}});
  return list;
}

} // namespace

Json answer_as_json(const core::TlsaAnswer& answer) {
  Json object{{"state", core::state_of(answer)},         {"ttl", nullptr}, {"why", ""},
              {"wildcard", token(core::Wildcard::none)}, {"malformed", 0}, {"records", Json::array()}};
  if (core::is_definite(answer)) object["ttl"] = answer.ttl.count();
  std::visit(core::Overloaded{
                 [&](const core::Secure& secure) {
                   object["wildcard"] = token(secure.wildcard);
                   object["malformed"] = secure.malformed;
                   object["records"] = record_list(secure);
                 },
                 [&](const core::Bogus& bogus) { object["why"] = bogus.why; },
                 [&](const core::Failed& failed) { object["why"] = failed.why; },
                 [](const core::Absent&) {},
                 [](const core::Insecure&) {},
             },
             answer.outcome);
  return object;
}

std::string json_line(const Json& object) {
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

} // namespace danegate::service
