// man/danegate.toml.5 against the schema: every setting with its type, bounds, default and what a reload does with it,
// each under its table, and nothing else.
#include "daemon/config/schema.h"
#include "daemon/config/value_check.h"

#include "tests/support/catch.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>
#include <vector>

namespace danegate::config {

namespace {

/// A line of mdoc as it is read, without the escapes that the page needs.
std::string plain(std::string line) {
  for (const auto& [escape, text] :
       std::vector<std::pair<std::string, std::string>>{{"\\-", "-"}, {"\\&", ""}, {"\\(dq", "\""}})
    for (auto at = line.find(escape); at != std::string::npos; at = line.find(escape, at))
      line.replace(at, escape.size(), text);
  return line;
}

/// "table.key" -> what stands below it, joined to one line; macros on lines of their own that print nothing are left
/// out.
std::map<std::string, std::string> settings_in_page() {
  std::ifstream page(std::string(DANEGATE_TEST_DATA) + "/../../man/danegate.toml.5");
  REQUIRE(page);
  std::map<std::string, std::string> found;
  std::string table;
  std::string* item = nullptr;
  for (std::string raw; std::getline(page, raw);) {
    const auto line = plain(raw);
    if (line.starts_with(".Sh ") || line.starts_with(".Ss ") || line == ".El") item = nullptr;
    if (line.starts_with(".Sh ")) table.clear();
    if (line.starts_with(".Ss [")) {
      table = line.substr(line.find_first_not_of('[', 4));
      table.resize(table.find(']'));
    }
    if (line.starts_with(".It Cm ") && !table.empty()) {
      const auto [place, fresh] = found.emplace(table + "." + line.substr(7), "");
      INFO(line);
      CHECK(fresh);
      item = &place->second;
    } else if (item && line != ".Pp") {
      *item += " " + line;
    }
  }
  return found;
}

std::string choices_of(const Setting& setting) {
  std::string text;
  std::string choices(setting.choices);
  for (auto bar = choices.find('|'); bar != std::string::npos; bar = choices.find('|', bar))
    choices.replace(bar, 1, "\", \"");
  return "One of \"" + choices + "\".";
}

std::string type_of(const Setting& setting) {
  const auto bounds = bounds_text(setting);
  switch (setting.type) {
  case Type::boolean: return "Boolean.";
  case Type::text: return "String, " + bounds + " octets.";
  case Type::path: return "Path.";
  case Type::choice: return choices_of(setting);
  case Type::duration: return "Duration, " + bounds + ".";
  case Type::seconds: return "Duration in whole seconds, " + bounds + ".";
  case Type::count: return "Integer, " + bounds + ".";
  case Type::size: return "Octets, " + bounds + ".";
  case Type::octal: return "Octal integer, " + bounds + ".";
  case Type::text_list: return "List of strings, " + bounds + " entries.";
  case Type::path_list: return "List of paths, " + bounds + " entries.";
  case Type::port_list: return "List of ports, " + bounds + " entries.";
  case Type::table_list: return "List of tables, " + bounds + " entries.";
  }
  return "?";
}

std::string reload_of(const Setting& setting) {
  if (!setting.in_this_version()) return "Not in this version.";
  switch (setting.reload) {
  case Reload::applied: return "A reload applies it.";
  case Reload::restart: return "It needs a restart.";
  case Reload::refused: return "A reload that changes it is refused.";
  }
  return "?";
}

/// How the page ends what it says of a setting.
std::string facts_of(const Setting& setting) {
  const std::string standard =
      setting.presence == Presence::required ? "Required." : "Default: " + std::string(setting.standard) + ".";
  return " " + type_of(setting) + " " + standard + " " + reload_of(setting);
}

} // namespace

TEST_CASE("danegate.toml(5) has every setting with its type, bounds, default and reload", "[config][manual]") {
  const auto found = settings_in_page();
  for (const auto& setting : settings()) {
    const auto name = std::string(setting.table) + "." + std::string(setting.key);
    INFO(name << " should end with:" << facts_of(setting));
    const auto entry = found.find(name);
    REQUIRE(entry != found.end());
    INFO(entry->second);
    CHECK(entry->second.ends_with(facts_of(setting)));
    CHECK(entry->second.size() > facts_of(setting).size()); // it also says what it is for
  }
}

TEST_CASE("danegate.toml(5) has no setting that the schema does not know", "[config][manual]") {
  for (const auto& [name, text] : settings_in_page()) {
    INFO(name);
    const auto dot = name.rfind('.');
    CHECK(find_setting(name.substr(0, dot), name.substr(dot + 1)));
  }
}

} // namespace danegate::config
