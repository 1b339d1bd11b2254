#include "daemon/config/print.h"

#include "daemon/config/load_parts.h"
#include "daemon/config/units.h"

#include <fmt/format.h>

namespace danegate::config {

namespace {

/// A basic string (TOML 1.0); control characters never get this far.
std::string toml_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    result += c;
  }
  return result + '"';
}

std::string item_text(const Setting& setting, const Item& item) {
  return setting.type == Type::port_list ? fmt::format("{}", item.number) : toml_string(item.text);
}

template <typename Range, typename Text>
std::string list_text(const Range& range, const Text& text) {
  std::string result;
  for (const auto& element : range)
    result += (result.empty() ? "" : ", ") + text(element);
  return '[' + result + ']';
}

std::string value_text(const Setting& setting, const Section& section);

std::string inline_table(const Section& section) {
  std::string result;
  for (const auto& setting : settings_of(section.table()))
    result += fmt::format("{}{} = {}", result.empty() ? "" : ", ", setting.key, value_text(setting, section));
  return "{ " + result + " }";
}

std::string value_text(const Setting& setting, const Section& section) {
  const auto key = setting.key;
  switch (setting.type) {
  case Type::boolean: return section.boolean(key) ? "true" : "false";
  case Type::text:
  case Type::path:
  case Type::choice: return toml_string(section.text(key));
  case Type::duration:
  case Type::seconds: return toml_string(format_duration(section.duration(key)));
  case Type::count:
  case Type::size: return fmt::format("{}", section.number(key));
  case Type::octal: return fmt::format("0o{:o}", section.number(key));
  case Type::text_list:
  case Type::path_list:
  case Type::port_list: return list_text(section.list(key), [&](const Item& item) { return item_text(setting, item); });
  case Type::table_list: return list_text(section.sections(key), inline_table);
  }
  return {};
}

/// What a setting of [server] has for a default on this host; empty where there is none.
std::string_view host_default(const Setting& setting, const ServerSettings& server) {
  if (setting.table != "server") return {};
  if (setting.key == "authserv-id") return server.authserv_id;
  if (setting.key == "origin" && server.origin) return server.origin->text();
  return {};
}

void print_section(std::string& out, const Section& section, const ServerSettings& server) {
  for (const auto& setting : settings_of(section.table())) {
    if (setting.in_this_version() && section.has(setting.key))
      out += fmt::format("{} = {}\n", setting.key, value_text(setting, section));
    else if (const auto text = host_default(setting, server); !text.empty())
      out += fmt::format("{} = {}\n", setting.key, toml_string(text));
  }
}

} // namespace

std::string print_document(const Document& document, const ServerSettings& server, Diagnostics& diagnostics) {
  std::string out;
  std::string_view current;
  for (const auto& setting : settings()) {
    if (setting.table == current || !document.tables.contains(setting.table)) continue;
    current = setting.table;
    const auto& section = document.table(current);
    if (section.values().empty()) continue;
    out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", current);
    print_section(out, section, server);
  }
  const auto services = document.services.empty() ? default_services(diagnostics) : document.services;
  for (const auto& section : services) {
    out += "\n[[service]]\n";
    print_section(out, section, server);
  }
  for (const auto& section : document.rules) {
    out += "\n[[rule]]\n";
    print_section(out, section, server);
  }
  return out;
}

} // namespace danegate::config
