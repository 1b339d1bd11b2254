// Every row of the schema is held to its type and its bounds: one value beyond each, and the report says where it
// stands and what was expected. Settings that the schema gains are tested with it.
#include "daemon/config/schema.h"
#include "daemon/config/units.h"
#include "tests/config/config_files.h"

#include <algorithm>

namespace danegate::config {

namespace {

struct Wrong {
  std::string what;
  std::string value;      ///< in TOML, on one line
  std::size_t offset = 0; ///< of what is wrong in it
};

std::string repeated(const std::string& entry, std::int64_t count) {
  std::string list;
  for (std::int64_t i = 0; i < count; ++i)
    list += (i == 0 ? "" : ", ") + entry;
  return "[" + list + "]";
}

std::string octal(std::int64_t number) {
  std::string digits;
  for (; number > 0; number /= 8)
    digits.insert(digits.begin(), static_cast<char>('0' + number % 8));
  return "0o" + digits;
}

void add_lengths(std::vector<Wrong>& rows, std::int64_t min, std::int64_t max) {
  if (min > 0) rows.push_back({"too short", "\"" + std::string(static_cast<std::size_t>(min - 1), 'x') + "\""});
  rows.push_back({"too long", "\"" + std::string(static_cast<std::size_t>(max + 1), 'x') + "\""});
}

/// `step`: what the unit of the setting can tell apart.
void add_durations(std::vector<Wrong>& rows, const Setting& setting, std::int64_t step) {
  const auto text = [](std::int64_t ms) { return "\"" + format_duration(std::chrono::milliseconds(ms)) + "\""; };
  if (setting.min > 0) rows.push_back({"too small", text(setting.min - step)});
  rows.push_back({"too large", text(setting.max + step)});
  if (setting.type == Type::seconds) rows.push_back({"a fraction", text(setting.min + 1)});
}

void add_counts(std::vector<Wrong>& rows, const Setting& setting) {
  rows.push_back({"too small", std::to_string(setting.min - 1)});
  rows.push_back({"too large", std::to_string(setting.max + 1)});
}

void add_entries(std::vector<Wrong>& rows, const Setting& setting, const std::string& entry) {
  if (setting.min > 0) rows.push_back({"too few", repeated(entry, setting.min - 1)});
  rows.push_back({"too many", repeated(entry, setting.max + 1)});
  rows.push_back({"an entry of another type", "[false]", 1});
}

/// Values that this setting must not take; the first is of another type.
std::vector<Wrong> wrong_values(const Setting& setting) {
  std::vector<Wrong> rows{{"another type", "07:32:00"}};
  constexpr std::int64_t longest_path = 4096;
  switch (setting.type) {
  case Type::boolean: rows.push_back({"a word", "\"yes\""}); break;
  case Type::text: add_lengths(rows, setting.min, setting.max); break;
  case Type::path: add_lengths(rows, setting.min, longest_path); break;
  case Type::choice: rows.push_back({"another word", "\"nonesuch\""}); break;
  case Type::duration: add_durations(rows, setting, 1); break;
  case Type::seconds: add_durations(rows, setting, 1000); break;
  case Type::count:
  case Type::size: add_counts(rows, setting); break;
  case Type::octal: rows.push_back({"too large", octal(setting.max + 1)}); break;
  case Type::text_list:
  case Type::path_list: add_entries(rows, setting, "\"x\""); break;
  case Type::port_list:
    add_entries(rows, setting, "25");
    rows.push_back({"no port", "[65536]", 1});
    break;
  case Type::table_list: add_entries(rows, setting, "{}"); break;
  }
  return rows;
}

/// A document whose only mistake is that value, and where the value begins.
struct Document {
  std::string text;
  std::ptrdiff_t line;
  std::size_t column;

  std::string at(std::size_t offset) const {
    return "danegate.toml:" + std::to_string(line) + ":" + std::to_string(column + offset) + ": ";
  }
};

std::string required_besides(const Setting& setting) {
  std::string lines;
  for (const auto& other : settings_of(setting.table))
    if (other.presence == Presence::required && &other != &setting)
      lines += std::string(other.key) + " = " + std::string(other.example) + "\n";
  return lines;
}

std::string key_and(const Setting& setting) {
  return std::string(setting.key) + " = ";
}

Document document_with(const Setting& setting, const std::string& value) {
  const auto dot = setting.table.find('.');
  if (dot != std::string_view::npos) { // a key of an inline table
    const auto other = setting.key == "zone" ? std::string("servers = [\"192.0.2.1\"], ") : "zone = \"a.example\", ";
    const auto before = std::string(setting.table.substr(dot + 1)) + " = [{ " + other + key_and(setting);
    return {"[" + std::string(setting.table.substr(0, dot)) + "]\n" + before + value + " }]\n", 2, before.size() + 1};
  }
  const std::string table(setting.table);
  const auto head = (is_table_array(table) ? "[[" + table + "]]\n" : "[" + table + "]\n") + required_besides(setting);
  const auto line = std::ranges::count(head, '\n') + 1;
  return {head + key_and(setting) + value + "\n", line, key_and(setting).size() + 1};
}

bool says_what_was_expected(const std::string& message) {
  return message.contains("expected ") || message.contains("must not be empty");
}

} // namespace

TEST_CASE("Every setting refuses what is of another type or out of its bounds, and says where", "[config][bounds]") {
  const Folder folder;
  for (const auto& setting : settings()) {
    if (!setting.in_this_version()) continue; // refused whatever its value: errors_test.cpp
    for (const auto& [what, value, offset] : wrong_values(setting)) {
      const auto document = document_with(setting, value);
      const auto loaded = load(folder.write("danegate.toml", document.text), environment());
      INFO(setting.table << "." << setting.key << ", " << what << ": " << value.substr(0, 60));
      REQUIRE_FALSE(loaded);
      const auto found = positions(loaded.error());
      INFO(found.front());
      CHECK(found.size() == 1);
      CHECK(found.front().starts_with(document.at(offset)));
      CHECK(found.front().contains(std::string(setting.table) + "." + std::string(setting.key) + ": "));
      CHECK(says_what_was_expected(found.front()));
    }
  }
}

} // namespace danegate::config
