// The schema against itself, against the sample configuration, and against what print() writes.
#include "daemon/config/hints.h"
#include "daemon/config/schema.h"
#include "tests/config/config_files.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

namespace danegate::config {

namespace {

const std::string sample_file = std::string(DANEGATE_TEST_DATA) + "/../../conf/danegate.toml";

std::vector<std::string> lines_of(const std::string& file) {
  std::ifstream stream(file);
  REQUIRE(stream);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

/// "key = value   # comment" without its "#" in front; nullopt for prose and headers.
std::optional<std::pair<std::string, std::string>> commented_setting(const std::string& line) {
  if (line.size() < 2 || line[0] != '#' || line[1] < 'a' || line[1] > 'z') return std::nullopt;
  const auto equals = line.find(" = ");
  if (equals == std::string::npos) return std::nullopt;
  auto value = line.substr(equals + 3);
  bool in_string = false;
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value[i] == '"') in_string = !in_string;
    if (value[i] == '#' && !in_string) value.resize(i);
  }
  value.erase(value.find_last_not_of(' ') + 1);
  return std::pair(line.substr(1, equals - 1), value);
}

/// "dns" of "[dns]", "#[dns]", "[[rule]]" and "#[[rule]]"; empty for other lines.
std::string header_of(std::string line) {
  if (line.starts_with('#')) line.erase(0, 1);
  while (line.starts_with('['))
    line.erase(0, 1);
  const auto close = line.find(']');
  return close == std::string::npos || line.contains(' ') ? std::string() : line.substr(0, close);
}

using Found = std::map<std::pair<std::string, std::string>, std::vector<std::string>>; ///< values by table and key

Found settings_in_sample() {
  Found found;
  std::string table;
  for (const auto& line : lines_of(sample_file)) {
    if (const auto header = header_of(line); !header.empty()) table = header;
    if (const auto setting = commented_setting(line)) found[{table, setting->first}].push_back(setting->second);
  }
  return found;
}

} // namespace

TEST_CASE("Every setting stands in the sample, commented, with its default", "[config][sample]") {
  const auto found = settings_in_sample();
  for (const auto& setting : settings()) {
    if (setting.table.contains('.')) continue; // keys of inline tables: below
    INFO(setting.table << "." << setting.key);
    const auto in_sample = found.find({std::string(setting.table), std::string(setting.key)});
    REQUIRE(in_sample != found.end());
    const auto shown = setting.example.empty() ? setting.standard : setting.example;
    // services and rules stand there several times, with what they need
    if (is_table_array(setting.table))
      CHECK((std::ranges::count(in_sample->second, shown) > 0 || setting.presence == Presence::required));
    else
      CHECK(in_sample->second == std::vector<std::string>{std::string(shown)});
  }
}

TEST_CASE("The sample shows no setting that the schema does not know", "[config][sample]") {
  for (const auto& [place, values] : settings_in_sample()) {
    INFO(place.first << "." << place.second);
    CHECK(find_setting(place.first, place.second));
  }
}

TEST_CASE("The sample explains the keys of inline tables", "[config][sample]") {
  std::string all;
  for (const auto& line : lines_of(sample_file))
    all += line + '\n';
  for (const auto& setting : settings())
    if (setting.table.contains('.')) CHECK(all.contains(std::string(setting.key) + " = "));
}

TEST_CASE("The sample as shipped is the configuration of an empty file", "[config][sample]") {
  const Folder folder;
  const auto empty = print(folder.write("danegate.toml", ""), environment());
  const auto shipped = print(sample_file, environment());
  REQUIRE(empty);
  REQUIRE(shipped);
  CHECK(*shipped == *empty);
}

TEST_CASE("The sample's plain settings and services change nothing when they are taken in", "[config][sample]") {
  const Folder folder;
  std::string text;
  std::string table;
  for (const auto& line : lines_of(sample_file)) {
    const auto header = header_of(line);
    if (!header.empty()) table = header;
    if (header == "rule") break;
    const auto setting = commented_setting(line);
    const auto* const known = setting ? find_setting(table, setting->first) : nullptr;
    // their default is that there is none
    const bool opens = known && (table == "milter" || table == "metrics") && known->key == "listen";
    const bool take = (known && known->in_this_version() && !opens) || (header == "service");
    text += (take && line.starts_with('#') ? line.substr(1) : line) + '\n';
  }
  const auto taken_in = print(folder.write("danegate.toml", text), environment());
  INFO(text);
  INFO((taken_in ? std::string() : text_of(taken_in.error())));
  REQUIRE(taken_in);
  const auto empty = print(folder.write("empty.toml", ""), environment());
  CHECK(*taken_in == *empty);
}

TEST_CASE("The sample's rules are right and short", "[config][sample]") {
  const Folder folder;
  std::string text = "[milter]\nlisten = \"unix:/m\"\n"; // which the third kind needs
  std::size_t count = 0;
  std::size_t length = 0;
  for (const auto& line : lines_of(sample_file)) {
    if (line == "#[[rule]]" && ++count > 1) length = 0; // the first is the list of all keys
    if (count < 2 || !line.starts_with('#') || line.starts_with("# ")) continue;
    text += line.substr(1) + '\n';
    CHECK(++length < 10);
  }
  CHECK(count == 6);
  const auto config = load_good(folder.write("danegate.toml", text));
  INFO(text_of(config->warnings));
  CHECK(config->warnings.empty());
  std::vector<std::string> names;
  for (const auto& rule : config->rules->rules())
    names.push_back(rule.name);
  CHECK(names == std::vector<std::string>{"postmaster", "partner", "submission", "lists", "partner-from"});
}

TEST_CASE("The schema is well formed", "[config]") {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::set<std::string_view> closed;
  std::string_view current;
  for (const auto& setting : settings()) {
    INFO(setting.table << "." << setting.key);
    CHECK(seen.emplace(setting.table, setting.key).second);
    if (setting.table != current) {
      CHECK(closed.insert(setting.table).second); // tables are contiguous: settings_of() relies on it
      current = setting.table;
    }
    CHECK(setting.min <= setting.max);
    CHECK_FALSE(setting.help.empty());
    CHECK((setting.type == Type::choice) != setting.choices.empty());
    CHECK((setting.presence == Presence::required) == setting.standard.empty());
    CHECK(find_setting(setting.table, setting.key) == &setting);
  }
  CHECK_FALSE(find_setting("dns", "listen"));
  CHECK_FALSE(find_setting("none", "listen"));
  CHECK(is_table("rule"));
  CHECK(is_table_array("rule"));
  CHECK_FALSE(is_table_array("dns"));
  CHECK_FALSE(is_table("dns.stub-zones"));
}

TEST_CASE("A printed configuration can be read again and is the same", "[config]") {
  const auto file = std::string(DANEGATE_TEST_DATA) + "/config/full/danegate.toml";
  const auto printed = print(file, environment());
  REQUIRE(printed);
  const Folder folder;
  const auto again = print(folder.write("danegate.toml", *printed), environment());
  INFO(*printed);
  INFO((again ? std::string() : text_of(again.error())));
  REQUIRE(again);
  CHECK(*again == *printed);
  const auto first = load_good(file);
  const auto second = load_good(folder.path("danegate.toml"));
  CHECK(first->dns == second->dns);
  CHECK(first->policy.listen == second->policy.listen);
  CHECK(first->server.authserv_id == second->server.authserv_id);
  CHECK(first->rules->rules().size() == second->rules->rules().size());
}

TEST_CASE("print() has every setting of this version", "[config]") {
  const Folder folder;
  const auto printed = print(
      folder.write("danegate.toml", "[[rule]]\nname = \"r\"\nsasl = true\nsenders = [\"a.example\"]\n"), environment());
  REQUIRE(printed);
  for (const auto& setting : settings()) {
    if (!setting.in_this_version() || setting.table.contains('.')) continue;
    INFO(setting.table << "." << setting.key);
    CHECK(printed->contains('\n' + std::string(setting.key) + " = "));
  }
  CHECK(printed->contains("\nauthserv-id = \"mx.example.net\"\norigin = \"example.net\"\n"));
}

TEST_CASE("print() keeps the schema's order where the host has a default", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "[server]\norigin = \"acme.example\"\n");
  const auto printed = print(file, environment());
  REQUIRE(printed);
  CHECK(printed->contains("\nauthserv-id = \"mx.example.net\"\norigin = \"acme.example\"\n"));
}

TEST_CASE("What may have been meant", "[config]") {
  CHECK(hint_for_key("dns", "tiemout") == " (did you mean \"timeout\"?)");
  CHECK(hint_for_key("dns", "lookups") == " (it belongs in [limits])");
  CHECK(hint_for_key("dns", "senders") == " (it belongs in [[rule]])");
  CHECK(hint_for_key("dns", "zone").empty());
  CHECK(hint_for_key("dns", std::string(1000, 't')).empty());
  CHECK(hint_for_table("serivce") == " (did you mean \"service\"?)");
  CHECK(hint_for_table("name") == " (it belongs in [[service]])");
  CHECK(hint_for_table("").empty());
}

} // namespace danegate::config
