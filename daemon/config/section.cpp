#include "daemon/config/section.h"

#include "daemon/config/hints.h"
#include "daemon/config/value_check.h"

#include <fmt/format.h>

#include <stdexcept>
#include <utility>

namespace danegate::config {

namespace {

template <typename T>
const T& get(const Section& section, std::string_view key) {
  const auto* const value = section.find(key);
  const auto* const data = value ? std::get_if<T>(&value->data) : nullptr;
  if (!data)
    throw std::logic_error(fmt::format("setting {}.{} is not what the code takes it for", section.table(), key));
  return *data;
}

/// A setting of a later version may stand with its default, so that a printed configuration can be read again.
bool is_default(const Setting& setting, const Value& value) {
  if (setting.presence != Presence::has_default) return false;
  if (setting.type == Type::boolean) return std::get<bool>(value.data) == (setting.standard == "true");
  if (setting.type == Type::text_list) return std::get<std::vector<Item>>(value.data).empty();
  return setting.type == Type::seconds && std::get<std::int64_t>(value.data) == 0;
}

/// False if the entry was reported.
bool check_entry(Section& section, const Setting& setting, const Entry& entry, Diagnostics& diagnostics) {
  auto value = check_value(setting, entry.node, diagnostics);
  if (!value) return false;
  if (!setting.in_this_version() && !is_default(setting, *value)) {
    diagnostics.error(entry.place, fmt::format("{}.{} needs {}, which this version does not have", setting.table,
                                               setting.key, setting.needs));
    return false;
  }
  section.put(entry.key, std::move(*value));
  return true;
}

} // namespace

const Place& Section::place(std::string_view key) const {
  const auto* const value = find(key);
  return value && value->set ? value->place : place_;
}

bool Section::is_set(std::string_view key) const {
  const auto* const value = find(key);
  return value && value->set;
}

bool Section::boolean(std::string_view key) const {
  return get<bool>(*this, key);
}

std::int64_t Section::number(std::string_view key) const {
  return get<std::int64_t>(*this, key);
}

std::chrono::milliseconds Section::duration(std::string_view key) const {
  return std::chrono::milliseconds(number(key));
}

const std::string& Section::text(std::string_view key) const {
  return get<std::string>(*this, key);
}

const std::vector<Item>& Section::list(std::string_view key) const {
  return get<std::vector<Item>>(*this, key);
}

const std::vector<Section>& Section::sections(std::string_view key) const {
  return get<std::vector<Section>>(*this, key);
}

void Section::fill_from(const Section& other) {
  for (const auto& [key, value] : other.values_)
    values_.try_emplace(key, value);
}

void Section::mark_as_default() {
  for (auto& [key, value] : values_)
    value.set = false;
}

const Value* Section::find(std::string_view key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? nullptr : &found->second;
}

Section check_table(std::string_view table, const Table& source, const Place& place, Diagnostics& diagnostics) {
  const auto known = settings_of(table);
  Section section(known.empty() ? table : known.front().table, place);
  for (const auto& entry : source.entries) {
    const auto* const setting = find_setting(table, entry.key);
    if (!setting)
      diagnostics.error(entry.place,
                        fmt::format("unknown setting \"{}\"{}", entry.key, hint_for_key(table, entry.key)));
    if (!setting || !check_entry(section, *setting, entry, diagnostics)) section.mark_broken(entry.key);
  }
  return section;
}

bool check_required(const Section& section, Diagnostics& diagnostics) {
  bool complete = true;
  for (const auto& setting : settings_of(section.table())) {
    if (setting.presence != Presence::required || section.has(setting.key)) continue;
    complete = false;
    if (!section.broken(setting.key))
      diagnostics.error(section.place(), fmt::format("{}.{} is missing: {}", setting.table, setting.key, setting.help));
  }
  return complete;
}

} // namespace danegate::config
