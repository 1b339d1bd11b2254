#include "daemon/config/find_control.h"
#include "daemon/config/load_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace danegate::config {

namespace {

/// Mail servers are to connect there.
bool is_for_mail_servers(const Document& document, const std::string& text) {
  const auto& policy = document.table("policy").list("listen");
  const auto& milter = document.table("milter");
  return std::ranges::find(policy, text, &Item::text) != policy.end() ||
         (milter.has("listen") && milter.text("listen") == text);
}

} // namespace

std::optional<Listen> load_control(const Document& document, Diagnostics& diagnostics) {
  const auto& section = document.table("server");
  const auto& text = section.text("control");
  if (text.empty()) return std::nullopt;
  const auto report = [&](std::string_view what) {
    diagnostics.error(section.place("control"), fmt::format("server.control: {}, found \"{}\"", what, text));
    return std::nullopt;
  };
  auto listen = parse_listen(text);
  if (!listen && text.starts_with("unix:")) return report(listen.error());
  if (!listen || listen->kind != Listen::Kind::unix_socket)
    return report("expected \"unix:/path\": whoever can connect rules the daemon, so it is a file with an owner");
  if (is_for_mail_servers(document, text)) return report("mail servers are to connect there");
  return std::move(*listen);
}

ControlPlace find_control(const std::filesystem::path& file) {
  Diagnostics diagnostics;
  const auto document = read_document(file, diagnostics);
  ControlPlace place;
  place.listen = load_control(document, diagnostics);
  place.is_set = document.table("server").is_set("control");
  if (diagnostics.failed()) place.errors = diagnostics.take_errors();
  return place;
}

} // namespace danegate::config
