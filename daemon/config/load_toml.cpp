#include "daemon/config/load_toml.h"

#include "daemon/config/read_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace danegate::config {

namespace {

Place place_of(const toml::source_position& position, const std::string& file) {
  return {file, position.line, position.column};
}

Node to_node(const toml::node& source, const std::string& file);

/// The library keeps tables sorted by key; reports follow the file.
Table to_table(const toml::table& source, const std::string& file) {
  Table table;
  table.entries.reserve(source.size());
  for (const auto& [key, value] : source)
    table.entries.push_back({std::string(key.str()), place_of(key.source().begin, file), to_node(value, file)});
  std::ranges::sort(table.entries, {}, [](const Entry& e) { return std::tuple(e.place.line, e.place.column); });
  return table;
}

Array to_array(const toml::array& source, const std::string& file) {
  Array array;
  array.reserve(source.size());
  for (const auto& element : source)
    array.push_back(to_node(element, file));
  return array;
}

Node to_node(const toml::node& source, const std::string& file) {
  Node node{place_of(source.source().begin, file), Unfit{"a value of another type"}, false};
  if (const auto* boolean = source.as_boolean()) {
    node.value = boolean->get();
  } else if (const auto* integer = source.as_integer()) {
    node.value = integer->get();
    node.octal = (integer->flags() & toml::value_flags::format_as_octal) != toml::value_flags::none;
  } else if (const auto* string = source.as_string()) {
    node.value = string->get();
  } else if (const auto* array = source.as_array()) {
    node.value = to_array(*array, file);
  } else if (const auto* table = source.as_table()) {
    node.value = to_table(*table, file);
  } else if (source.is_floating_point()) {
    node.value = Unfit{"a floating-point number"};
  } else {
    node.value = Unfit{"a date or time"};
  }
  return node;
}

} // namespace

std::optional<Table> parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  // The packaged library is built with exceptions, so parse errors come as one; nothing leaves this function.
  try {
    return to_table(toml::parse(text, std::string_view(file)), file);
  } catch (const toml::parse_error& error) {
    diagnostics.error(place_of(error.source().begin, file), "not TOML: " + std::string(error.description()));
    return std::nullopt;
  }
}

std::optional<Table> read_toml(const std::string& file, Diagnostics& diagnostics) {
  const auto text = read_file(file, max_file_octets);
  if (!text) {
    diagnostics.error({file, 0, 0}, text.error());
    return std::nullopt;
  }
  return parse_toml(*text, file, diagnostics);
}

} // namespace danegate::config
