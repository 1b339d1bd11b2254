#include "daemon/config/value_check.h"

#include "daemon/config/hints.h"
#include "daemon/config/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

namespace danegate::config {

namespace {

constexpr std::int64_t max_entry = 4096; ///< octets of one entry of a list

/// The work on one value: what is wrong is reported with the setting's name before it.
class Check {
public:
  Check(const Setting& setting, Diagnostics& diagnostics) : setting_(setting), diagnostics_(diagnostics) {}

  std::optional<Value> run(const Node& node);

private:
  std::nullopt_t report(const Place& place, std::string_view message) {
    diagnostics_.error(place, fmt::format("{}.{}: {}", setting_.table, setting_.key, message));
    return std::nullopt;
  }

  std::nullopt_t wrong_type(std::string_view expected, const Node& found) {
    return report(found.place, fmt::format("expected {}, found {}", expected, found.type_name()));
  }

  std::nullopt_t out_of_bounds(const Place& place, std::string_view found) {
    return report(place, fmt::format("{} is out of bounds, expected {}", found, bounds_text(setting_)));
  }

  bool within(std::int64_t number) const { return number >= setting_.min && number <= setting_.max; }

  std::optional<std::string> text(const Node& node, std::int64_t max);
  std::optional<std::string> path(const Node& node);
  std::optional<std::string> choice(const Node& node);
  std::optional<std::int64_t> duration(const Node& node);
  std::optional<std::int64_t> integer(const Node& node);
  std::optional<std::vector<Item>> list(const Node& node);
  std::optional<Item> item(const Node& node);
  std::optional<std::vector<Section>> tables(const Node& node);

  const Setting& setting_;
  Diagnostics& diagnostics_;
};

std::vector<std::string_view> split(std::string_view choices) {
  std::vector<std::string_view> words;
  while (!choices.empty()) {
    const auto bar = std::min(choices.find('|'), choices.size());
    words.push_back(choices.substr(0, bar));
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return words;
}

/// `"a", "b" or "c"`.
std::string one_of(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 == words.size() ? " or " : ", ", words[i]);
  return text;
}

bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::optional<std::string> Check::text(const Node& node, std::int64_t max) {
  const auto* const string = std::get_if<std::string>(&node.value);
  if (!string) return wrong_type("a string", node);
  if (std::ranges::any_of(*string, is_control)) return report(node.place, "contains a control character");
  if (std::cmp_greater(string->size(), max))
    return report(node.place, fmt::format("is {} octets long, expected at most {}", string->size(), max));
  return *string;
}

std::optional<std::string> Check::path(const Node& node) {
  auto path = text(node, max_entry);
  if (!path || path->empty()) return path;
  std::error_code error; // no working directory: the path stays relative, and opening it says so
  const auto beside = std::filesystem::path(node.place.file).parent_path() / *path;
  const auto absolute = std::filesystem::absolute(beside, error);
  return (error ? beside : absolute).lexically_normal().string();
}

std::optional<std::string> Check::choice(const Node& node) {
  const auto words = split(setting_.choices);
  const auto* const string = std::get_if<std::string>(&node.value);
  if (!string) return wrong_type(one_of(words), node);
  if (std::ranges::find(words, *string) != words.end()) return *string;
  if (*string == "permit")
    return report(node.place, fmt::format("expected {}; \"permit\" may stand in a rule's on-pass only", one_of(words)));
  return report(node.place,
                fmt::format("expected {}, found \"{}\"{}", one_of(words), *string, hint_among(*string, words)));
}

std::optional<std::int64_t> Check::duration(const Node& node) {
  constexpr std::string_view expected = "a duration such as \"8s\" (units ms, s, m, h, d)";
  const auto* const string = std::get_if<std::string>(&node.value);
  if (!string) return wrong_type(expected, node);
  const auto value = parse_duration(*string);
  if (!value) return report(node.place, fmt::format("expected {}, found \"{}\"", expected, *string));
  if (!within(value->count())) return out_of_bounds(node.place, *string);
  if (setting_.type == Type::seconds && value->count() % 1000 != 0)
    return report(node.place, fmt::format("expected whole seconds, found \"{}\"", *string));
  return value->count();
}

std::optional<std::int64_t> Check::integer(const Node& node) {
  if (const auto* const string = std::get_if<std::string>(&node.value); string && setting_.type == Type::size) {
    const auto value = parse_size(*string);
    if (!value)
      return report(node.place, fmt::format("expected octets such as 65536 or \"64KiB\", found \"{}\"", *string));
    if (!within(*value)) return out_of_bounds(node.place, *string);
    return value;
  }
  const auto* const number = std::get_if<std::int64_t>(&node.value);
  if (!number) return wrong_type(setting_.type == Type::octal ? "an octal number such as 0o660" : "an integer", node);
  if (setting_.type == Type::octal && !node.octal)
    return report(node.place, fmt::format("expected an octal number such as 0o660, found {} in decimal", *number));
  if (!within(*number)) return out_of_bounds(node.place, fmt::format("{}", *number));
  return *number;
}

std::optional<Item> Check::item(const Node& node) {
  if (setting_.type == Type::port_list) {
    const auto* const number = std::get_if<std::int64_t>(&node.value);
    if (!number) return wrong_type("a port number", node);
    if (*number < 1 || *number > 65535)
      return report(node.place, fmt::format("{} is no port, expected 1 to 65535", *number));
    return Item{node.place, {}, *number};
  }
  auto string = setting_.type == Type::path_list ? path(node) : text(node, max_entry);
  if (!string) return std::nullopt;
  if (string->empty()) return report(node.place, "contains an empty entry");
  return Item{node.place, std::move(*string), 0};
}

std::optional<std::vector<Item>> Check::list(const Node& node) {
  const auto* const array = std::get_if<Array>(&node.value);
  if (!array)
    return wrong_type(setting_.type == Type::port_list ? "a list of port numbers" : "a list of strings, in [ ]", node);
  if (!within(static_cast<std::int64_t>(array->size())))
    return report(node.place, fmt::format("has {} entries, expected {}", array->size(), bounds_text(setting_)));
  std::vector<Item> items;
  for (const auto& element : *array)
    if (auto one = item(element)) items.push_back(std::move(*one));
  if (items.size() != array->size()) return std::nullopt;
  return items;
}

std::optional<std::vector<Section>> Check::tables(const Node& node) {
  const auto expected = fmt::format("a list of tables such as {}", setting_.help);
  const auto* const array = std::get_if<Array>(&node.value);
  if (!array) return wrong_type(expected, node);
  if (!within(static_cast<std::int64_t>(array->size())))
    return report(node.place, fmt::format("has {} entries, expected {}", array->size(), bounds_text(setting_)));
  const auto name = fmt::format("{}.{}", setting_.table, setting_.key);
  std::vector<Section> sections;
  for (const auto& element : *array) {
    const auto* const table = std::get_if<Table>(&element.value);
    if (!table) return wrong_type(expected, element);
    auto section = check_table(name, *table, element.place, diagnostics_);
    if (check_required(section, diagnostics_) && !section.broken()) sections.push_back(std::move(section));
  }
  if (sections.size() != array->size()) return std::nullopt;
  return sections;
}

template <typename T>
std::optional<Value> as_value(const Node& node, std::optional<T> data) {
  if (!data) return std::nullopt;
  return Value{true, node.place, std::move(*data)};
}

std::optional<Value> Check::run(const Node& node) {
  switch (setting_.type) {
  case Type::boolean: {
    const auto* const boolean = std::get_if<bool>(&node.value);
    if (!boolean) return wrong_type("true or false", node);
    return Value{true, node.place, *boolean};
  }
  case Type::text: {
    auto string = text(node, setting_.max);
    if (string && std::cmp_less(string->size(), setting_.min)) return report(node.place, "must not be empty");
    return as_value(node, std::move(string));
  }
  case Type::path: return as_value(node, path(node));
  case Type::choice: return as_value(node, choice(node));
  case Type::duration:
  case Type::seconds: return as_value(node, duration(node));
  case Type::count:
  case Type::size:
  case Type::octal: return as_value(node, integer(node));
  case Type::text_list:
  case Type::path_list:
  case Type::port_list: return as_value(node, list(node));
  case Type::table_list: return as_value(node, tables(node));
  }
  return std::nullopt;
}

} // namespace

std::optional<Value> check_value(const Setting& setting, const Node& node, Diagnostics& diagnostics) {
  return Check(setting, diagnostics).run(node);
}

std::string bounds_text(const Setting& setting) {
  const auto between = [](const std::string& low, const std::string& high) { return low + " to " + high; };
  switch (setting.type) {
  case Type::duration:
  case Type::seconds:
    return between(format_duration(std::chrono::milliseconds(setting.min)),
                   format_duration(std::chrono::milliseconds(setting.max)));
  case Type::size: return between(format_size(setting.min), format_size(setting.max));
  case Type::octal: return between(fmt::format("0o{:o}", setting.min), fmt::format("0o{:o}", setting.max));
  case Type::boolean:
  case Type::text:
  case Type::path:
  case Type::choice:
  case Type::count:
  case Type::text_list:
  case Type::path_list:
  case Type::port_list:
  case Type::table_list: break;
  }
  return between(fmt::format("{}", setting.min), fmt::format("{}", setting.max));
}

} // namespace danegate::config
