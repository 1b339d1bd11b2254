#include "daemon/ctl/status_text.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <ostream>
#include <string_view>
#include <utility>

namespace danegate::ctl {

namespace {

using Json = nlohmann::ordered_json;

Json parsed(const std::string& text) {
  auto json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json::object();
}

const Json& at(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string text(const Json& value) {
  return printable(value.is_string() ? value.get<std::string>() : value.is_null() ? std::string() : value.dump());
}

long long number(const Json& value) {
  return value.is_number() ? value.get<long long>() : 0;
}

std::string plural(const Json& count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", number(count), number(count) == 1 ? one : many);
}

void add(std::string& out, std::string_view label, std::string_view line) {
  out += fmt::format("{:<15}{}\n", label, line);
}

/// "pass 12, none 3": what is not zero, under the names that the daemon gives.
std::string counts(const Json& object) {
  std::string line;
  for (const auto& [name, count] : object.items())
    if (number(count) != 0) line += fmt::format("{}{} {}", line.empty() ? "" : ", ", name, number(count));
  return line.empty() ? "none" : line;
}

std::string reload_line(const Json& reload, const Style& style) {
  if (!reload.is_object()) return "none since the start";
  auto line = text(at(reload, "time"));
  if (at(reload, "ok") == Json(true)) return line + ", " + style.paint(Tone::good, "ok");
  const auto& errors = at(reload, "errors");
  line += ", " + style.paint(Tone::bad, "REFUSED") + ", the configuration of before is in force";
  for (const auto& error : errors)
    line += "\n               " + text(error);
  return line;
}

void add_listeners(std::string& out, const Json& status) {
  std::string_view label = "listening";
  for (const auto& listener : at(status, "listeners"))
    add(out, std::exchange(label, ""), text(listener));
  if (const auto milter = text(at(status, "milter")); !milter.empty())
    add(out, std::exchange(label, ""), "milter " + milter);
}

/// "3 secure", in that tone unless there is none.
std::string names_in(const Json& roster, const char* state, Tone tone, const Style& style) {
  const auto count = number(at(roster, state));
  return style.paint(count == 0 ? Tone::plain : tone, fmt::format("{} {}", count, state));
}

void add_roster(std::string& out, const Json& roster, const Style& style) {
  if (number(at(roster, "names")) == 0) return add(out, "roster", "no identity is named in full");
  add(out, "roster",
      fmt::format("{}: {}, {}, {}, {}", plural(at(roster, "names"), "name", "names"),
                  names_in(roster, "secure", Tone::good, style), names_in(roster, "absent", Tone::plain, style),
                  names_in(roster, "insecure", Tone::plain, style),
                  names_in(roster, "unresolved", Tone::doubtful, style)));
  if (const auto end = text(at(roster, "soonest_signature_end")); !end.empty())
    add(out, "", "signatures end from " + end + " on");
}

void add_held_off(std::string& out, const Json& zones, const Style& style) {
  if (zones.empty()) return add(out, "held off", "no domain");
  std::string_view label = "held off";
  for (const auto& zone : zones) {
    const auto& next = at(zone, "next_probe");
    add(out, std::exchange(label, ""),
        fmt::format("{}: for {}, {} refused, {}: {}", style.paint(Tone::doubtful, text(at(zone, "domain"))),
                    duration_text(number(at(zone, "seconds"))), plural(at(zone, "refused"), "lookup", "lookups"),
                    next.is_null() ? "is being asked now" : fmt::format("asked again in {} s", number(next)),
                    text(at(zone, "why"))));
  }
}

void add_answer(std::string& out, std::string_view label, const Json& answer) {
  if (answer.is_null()) return add(out, label, "nothing");
  auto line = text(at(answer, "state"));
  if (!at(answer, "ttl").is_null()) line += fmt::format(", ttl {}", number(at(answer, "ttl")));
  if (!at(answer, "remaining").is_null()) line += fmt::format(", serves for {} s", number(at(answer, "remaining")));
  if (const auto end = text(at(answer, "signatures_end")); !end.empty()) line += ", signatures end " + end;
  if (const auto why = text(at(answer, "why")); !why.empty()) line += ": " + why;
  add(out, label, line);
  for (const auto& record : at(answer, "records"))
    add(out, "",
        fmt::format("{} {} {} {}", number(at(record, "usage")), number(at(record, "selector")),
                    number(at(record, "matching")), text(at(record, "data"))));
}

} // namespace

std::string duration_text(long long seconds) {
  constexpr std::array<std::pair<long long, std::string_view>, 4> units{
      {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}}};
  std::string line;
  int shown = 0;
  for (const auto& [length, unit] : units) {
    if (shown == 2 || (shown == 0 && seconds < length && length > 1)) continue;
    line += fmt::format("{}{} {}", shown == 0 ? "" : " ", seconds / length, unit);
    seconds %= length;
    ++shown;
  }
  return line;
}

std::string status_as_text(const std::string& json, const Style& style) {
  const auto status = parsed(json);
  const auto& verdicts = at(status, "verdicts");
  std::string out =
      fmt::format("danegated {}, process {}, up {} since {}\n", text(at(status, "version")), number(at(status, "pid")),
                  duration_text(number(at(status, "uptime"))), text(at(status, "started")));
  add(out, "configuration", text(at(status, "configuration")));
  add(out, "last reload", reload_line(at(status, "last_reload"), style));
  add_listeners(out, status);
  add(out, "at work",
      plural(at(status, "policy_connections"), "policy connection", "policy connections") + ", " +
          plural(at(status, "milter_messages"), "message in the milter", "messages in the milter"));
  add(out, "verdicts", fmt::format("{}: {}", number(at(verdicts, "total")), counts(at(verdicts, "by_result"))));
  add(out, "actions", counts(at(verdicts, "by_action")));
  add(out, "lookups now", counts(at(status, "lookups")));
  add(out, "cache", plural(at(status, "cached_answers"), "answer", "answers"));
  add_roster(out, at(status, "roster"), style);
  add_held_off(out, at(status, "held_off"), style);
  add(out, "bounds met", counts(at(status, "overloads")));
  return out;
}

std::string cache_as_text(const std::string& json) {
  const auto cache = parsed(json);
  if (!cache.contains("name"))
    return plural(at(cache, "entries"), "answer", "answers") + " in the cache, " +
           plural(at(cache, "roster"), "name", "names") + " in the roster\n";
  std::string out = text(at(cache, "name")) + '\n';
  add_answer(out, "cache", at(cache, "cache"));
  if (const auto& roster = at(cache, "roster"); !roster.is_null()) add_answer(out, "roster", roster);
  return out;
}

std::string flushed_as_text(const std::string& json) {
  const auto flushed = parsed(json);
  return plural(at(flushed, "flushed"), "answer", "answers") + " forgotten; " +
         plural(at(flushed, "roster"), "name", "names") + " of the roster are asked for anew\n";
}

void tell_reload(const std::string& json, std::ostream& out, std::ostream& err) {
  const auto reload = parsed(json);
  for (const auto& error : at(reload, "errors"))
    err << text(error) << '\n';
  for (const auto& warning : at(reload, "warnings"))
    err << "warning: " << text(warning) << '\n';
  if (at(reload, "ok") == Json(true))
    out << "reloaded\n";
  else
    err << "danegate: the configuration is refused; the one of before stays in force\n";
}

} // namespace danegate::ctl
