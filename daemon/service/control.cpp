#include "daemon/service/control.h"

#include "daemon/service/answer_json.h"
#include "daemon/service/log_format.h"
#include "daemon/service/status.h"
#include "daemon/service/url_query.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <expected>
#include <optional>
#include <utility>

namespace danegate::service {

namespace {

using Json = nlohmann::ordered_json;
using config::LogLevel;

constexpr unsigned unprocessable = 422;

/// nullopt: every name. The error is for the client.
std::expected<std::optional<core::DnsName>, std::string> name_of(const HttpRequest& request, core::ToAscii to_ascii) {
  const auto query = parse_query(request.query);
  if (!query) return std::unexpected(query.error());
  for (const auto& [key, value] : *query)
    if (key != "name") return std::unexpected("unknown parameter \"" + key + "\": only \"name\" is known here");
  const auto found = query->find("name");
  if (found == query->end()) return std::nullopt;
  auto name = core::DnsName::parse(found->second, to_ascii);
  if (!name)
    return std::unexpected(
        fmt::format("expected an owner name, found \"{}\": {}", found->second, describe(name.error())));
  return std::move(*name);
}

Json with_times(const core::TlsaAnswer& answer, std::chrono::seconds remaining) {
  Json object = answer_as_json(answer);
  object["remaining"] = std::max<std::int64_t>(remaining.count(), 0);
  object["signatures_end"] = nullptr;
  if (!answer.signatures_end) return object;
  std::string end;
  append_timestamp(end, *answer.signatures_end);
  object["signatures_end"] = end;
  return object;
}

/// "cache" is null where nothing is stored; "roster" is null where the roster does not have this name.
Json stored_object(const core::DnsName& name, const Authenticator::Stored& stored) {
  Json object{{"name", name.text()}, {"cache", nullptr}, {"roster", nullptr}};
  if (stored.cached) object["cache"] = with_times(*stored.cached->answer, stored.cached->remaining);
  if (stored.roster)
    object["roster"] = with_times(stored.roster->answer, stored.roster_remaining);
  else if (stored.in_roster)
    object["roster"] = Json{{"state", "unresolved"}};
  return object;
}

} // namespace

struct Control::Route {
  std::string_view method;
  std::string_view path;
  void (Control::*serve)(const HttpRequest&, const HttpAnswer&) const;
};

HttpReply json_error(unsigned status, std::string_view why) {
  return {.status = status, .body = json_line({{"error", why}})};
}

void Control::handle(const HttpRequest& request, const HttpAnswer& answer) const {
  static constexpr std::array<Route, 5> routes{{{"GET", "/status", &Control::status},
                                                {"GET", "/cache", &Control::cache},
                                                {"POST", "/cache/flush", &Control::flush},
                                                {"POST", "/reload", &Control::reload},
                                                {"POST", "/explain", &Control::explain}}};
  const auto* const found = std::ranges::find(routes, std::string_view(request.path), &Route::path);
  if (found == routes.end()) return answer(json_error(404, "there is no " + request.path + " here"));
  if (found->method != request.method)
    return answer(json_error(405, std::string(found->path).append(" takes ").append(found->method)));
  (this->*found->serve)(request, answer);
}

void Control::status(const HttpRequest& request, const HttpAnswer& answer) const {
  if (!request.query.empty()) return answer(json_error(400, "/status takes no parameter"));
  answer({.body = parts_.status()});
}

void Control::cache(const HttpRequest& request, const HttpAnswer& answer) const {
  const auto name = name_of(request, parts_.to_ascii);
  if (!name) return answer(json_error(400, name.error()));
  if (*name) return answer({.body = json_line(stored_object(**name, parts_.authenticator.stored(**name)))});
  const auto in_roster = parts_.authenticator.roster_names();
  answer({.body = json_line({{"entries", parts_.authenticator.cached_answers()}, {"roster", in_roster}})});
}

void Control::flush(const HttpRequest& request, const HttpAnswer& answer) const {
  const auto name = name_of(request, parts_.to_ascii);
  if (!name) return answer(json_error(400, name.error()));
  const auto flushed = *name ? parts_.authenticator.flush(**name) : parts_.authenticator.flush_all();
  log_.event(LogLevel::info, "cache-flushed", "asked by the control socket: what was known is asked for anew",
             {{"name", *name ? (*name)->text() : std::string_view("*")},
              {"entries", std::to_string(flushed.answers)},
              {"roster", std::to_string(flushed.roster)}});
  answer({.body = json_line({{"flushed", flushed.answers}, {"roster", flushed.roster}})});
}

void Control::reload(const HttpRequest& request, const HttpAnswer& answer) const {
  if (!request.query.empty()) return answer(json_error(400, "/reload takes no parameter"));
  log_.event(LogLevel::info, "reload", "asked by the control socket");
  parts_.reload([answer](const ReloadReport& report) {
    answer({.status = report.ok() ? 200 : unprocessable, .body = as_json(report)});
  });
}

void Control::explain(const HttpRequest& request, const HttpAnswer& answer) const {
  parts_.explain(request, answer);
}

} // namespace danegate::service
