#include "daemon/config/document.h"

#include "daemon/config/hints.h"
#include "daemon/config/load_toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <system_error>
#include <utility>

namespace danegate::config {

namespace {

namespace fs = std::filesystem;

const std::string built_in = "built-in default"; // the name of a file that is none

class Reader {
public:
  Reader(Document& document, Diagnostics& diagnostics) : document_(document), diagnostics_(diagnostics) {}

  void read(const std::string& file);

private:
  void table(const Entry& entry);
  void plain(Section& into, const Entry& entry, const Table& source);
  void array(const Entry& entry);

  Document& document_;
  Diagnostics& diagnostics_;
};

/// What a table needs that this version does not have; empty if it has at least one setting.
std::string_view table_needs(std::string_view table) {
  const auto known = settings_of(table);
  const bool later = std::ranges::none_of(known, &Setting::in_this_version);
  return later && !known.empty() ? known.front().needs : std::string_view();
}

void Reader::read(const std::string& file) {
  diagnostics_.begin_file(file);
  const auto source = read_toml(file, diagnostics_);
  if (!source) return;
  for (const auto& entry : source->entries)
    table(entry);
}

void Reader::table(const Entry& entry) {
  if (!is_table(entry.key))
    return diagnostics_.error(entry.place,
                              fmt::format("unknown {} \"{}\"{}",
                                          std::holds_alternative<Table>(entry.node.value) ? "table" : "setting",
                                          entry.key, hint_for_table(entry.key)));
  if (const auto needs = table_needs(entry.key); !needs.empty())
    return diagnostics_.error(entry.place,
                              fmt::format("[{}] needs {}, which this version does not have", entry.key, needs));
  if (is_table_array(entry.key)) return array(entry);
  const auto* const source = std::get_if<Table>(&entry.node.value);
  if (!source)
    return diagnostics_.error(entry.place,
                              fmt::format("expected a table [{}], found {}", entry.key, entry.node.type_name()));
  plain(document_.tables.at(entry.key), entry, *source);
}

void Reader::plain(Section& into, const Entry& entry, const Table& source) {
  const auto section = check_table(entry.key, source, entry.place, diagnostics_);
  for (const auto& [key, value] : section.values()) {
    if (const auto* const earlier = into.find(key))
      diagnostics_.error(value.place, fmt::format("{}.{} is set at {} already", entry.key, key, earlier->place.text()));
    else
      into.put(key, value);
  }
}

void Reader::array(const Entry& entry) {
  const auto* const source = std::get_if<Array>(&entry.node.value);
  const auto is_table_node = [](const Node& node) { return std::holds_alternative<Table>(node.value); };
  if (!source || !std::ranges::all_of(*source, is_table_node))
    return diagnostics_.error(entry.place, fmt::format("expected [[{}]], found {}", entry.key, entry.node.type_name()));
  auto& into = entry.key == "service" ? document_.services : document_.rules;
  for (const auto& node : *source) {
    if (into.size() >= max_table_entries)
      return diagnostics_.error(node.place, fmt::format("more than {} [[{}]]", max_table_entries, entry.key));
    into.push_back(check_table(entry.key, std::get<Table>(node.value), node.place, diagnostics_));
  }
}

Section section_of(std::string_view table, const std::string& text, Diagnostics& diagnostics) {
  const auto source = parse_toml(text, built_in, diagnostics);
  return check_table(table, source.value_or(Table{}), {built_in, 0, 0}, diagnostics);
}

/// Defaults are marked as not set: they have no place that a report could name.
Section default_section(std::string_view table, Diagnostics& diagnostics) {
  Section section = section_of(table, defaults_of(table), diagnostics);
  section.mark_as_default();
  return section;
}

/// *.toml in conf.d beside the main file, sorted; none if there is no such folder.
std::vector<std::string> further_files(const fs::path& main_file, Diagnostics& diagnostics) {
  const auto folder = main_file.parent_path() / "conf.d";
  std::vector<std::string> files;
  std::error_code error;
  if (fs::status(folder, error).type() == fs::file_type::not_found) return files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const auto& path = it->path();
    if (path.extension() == ".toml" && !path.filename().string().starts_with('.')) files.push_back(path.string());
  }
  if (error) diagnostics.error({folder.string(), 0, 0}, "cannot be read: " + error.message());
  std::ranges::sort(files);
  if (files.size() > max_files) {
    diagnostics.error({folder.string(), 0, 0}, fmt::format("holds more than {} files", max_files));
    files.clear();
  }
  return files;
}

} // namespace

Document read_document(const fs::path& main_file, Diagnostics& diagnostics) {
  Document document;
  for (const auto& setting : settings())
    if (is_table(setting.table) && !is_table_array(setting.table))
      document.tables.try_emplace(std::string(setting.table), setting.table, Place{main_file.string(), 0, 0});
  Reader reader(document, diagnostics);
  if (!main_file.empty()) {
    reader.read(main_file.string());
    for (const auto& file : further_files(main_file, diagnostics))
      reader.read(file);
  }
  for (auto& [name, section] : document.tables)
    section.fill_from(default_section(name, diagnostics));
  for (auto* const list : {&document.services, &document.rules}) {
    if (list->empty()) continue;
    const auto defaults = default_section(list->front().table(), diagnostics);
    for (auto& section : *list)
      section.fill_from(defaults);
  }
  return document;
}

Section section_from_text(std::string_view table, const std::string& text, Diagnostics& diagnostics) {
  auto section = section_of(table, text, diagnostics);
  section.fill_from(default_section(table, diagnostics));
  return section;
}

} // namespace danegate::config
