#include "daemon/ctl/check_report.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

using Json = nlohmann::ordered_json;

/// Values of Postfix and texts of zones are quoted: no control character reaches a terminal.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

bool is_of_the_resolver(const Finding& finding) {
  return finding.id.starts_with("resolver-");
}

std::string fix_as_text(const Fix& fix) {
  if (fix.file.empty()) return "    fix, as root: " + fix.text + '\n';
  const auto below = fix.entry.empty() ? std::string() : ", " + fix.entry;
  return fmt::format("    fix, {}{}: {}\n", fix.file, below, fix.text);
}

Json fix_object(const Fix& fix) {
  return {{"file", fix.file}, {"entry", fix.entry}, {"text", fix.text}};
}

Json finding_object(const Finding& finding) {
  Json fixes = Json::array();
  for (const auto& fix : finding.fixes)
    fixes.push_back(fix_object(fix));
  return {{"id", finding.id},           {"severity", token(finding.severity)}, {"where", finding.where()},
          {"file", finding.place.file}, {"line", finding.place.line},          {"column", finding.place.column},
          {"entry", finding.entry},     {"parameter", finding.parameter},      {"message", finding.message},
          {"fixes", std::move(fixes)}};
}

} // namespace

int CheckReport::status() const {
  int status = EX_OK;
  for (const auto& finding : findings) {
    if (finding.severity != Severity::error) continue;
    if (!is_of_the_resolver(finding)) return EX_CONFIG;
    status = EX_TEMPFAIL;
  }
  return status;
}

std::string report_as_text(const CheckReport& report) {
  std::string text;
  for (const auto& finding : report.findings) {
    const bool is_error = finding.severity == Severity::error;
    const auto where = finding.where();
    text += printable(fmt::format("{}{}{}{}{}", where, where.empty() ? "" : ": ",
                                  is_error ? "" : fmt::format("{}: ", token(finding.severity)), finding.message,
                                  finding.id == "configuration" ? "" : fmt::format(" [{}]", finding.id)));
    text += '\n';
    for (const auto& fix : finding.fixes)
      text += fix_as_text({printable(fix.file), printable(fix.entry), printable(fix.text)});
  }
  return text;
}

std::string report_as_json(const CheckReport& report) {
  Json object{
      {"file", report.file}, {"status", report.status()}, {"postfix", report.postfix_folder}, {"live", nullptr}};
  if (report.live) object["live"] = {{"names", report.live->names}, {"identities", report.live->identities}};
  object["findings"] = Json::array();
  for (const auto& finding : report.findings)
    object["findings"].push_back(finding_object(finding));
  return object.dump(-1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string kinds_as_text() {
  std::string text;
  for (const auto& kind : finding_kinds())
    text += fmt::format("{:<22}{:<9}{}\n", kind.id, token(kind.severity), kind.help);
  return text;
}

} // namespace danegate::ctl
