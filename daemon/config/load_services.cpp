#include "daemon/config/load_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace danegate::config {

namespace {

/// What a configuration without any [[service]] gets; the sample shows the same.
constexpr std::string_view default_smtp = R"(name = "smtp"
ports = [25]
names = ["_smtp-client.{helo}", "_smtp-client.{subject}", "_smtp-client.{client}"]
)";
constexpr std::string_view default_submission = R"(name = "submission"
ports = [465, 587]
names = ["_submission-client.{subject}", "{sender.hash}._submission-client.{sender.domain}"]
)";

core::Action action_named(std::string_view word) noexcept {
  using enum core::Action;
  for (const auto action : {tag, reject, defer, hold})
    if (token(action) == word) return action;
  return defer;
}

/// One service, and what is wrong with it.
class ServiceLoader {
public:
  ServiceLoader(const Loading& loading, const Limits& limits) : loading_(loading), limits_(limits) {}

  void load(const Section& section);

  std::vector<LoadedService> take() { return std::move(services_); }

private:
  void name(const Section& section, core::Service& service);
  void ports(const Section& section, core::Service& service);
  void templates(const Section& section, core::Service& service);
  void too_many(const Section& section, std::size_t limit, std::string_view what);

  const Loading& loading_;
  const Limits& limits_;
  std::vector<LoadedService> services_;
};

void ServiceLoader::name(const Section& section, core::Service& service) {
  service.name = section.text("name");
  if (!is_simple_token(service.name))
    loading_.diagnostics.error(
        section.place("name"),
        fmt::format("service.name: expected letters, digits, \"-\", \"_\" and \".\" only, the first "
                    "a letter or digit, found \"{}\"",
                    service.name));
  for (const auto& other : services_)
    if (other.service.name == service.name)
      loading_.diagnostics.error(section.place("name"),
                                 fmt::format("service \"{}\" stands at {} already", service.name, other.place.text()));
}

void ServiceLoader::ports(const Section& section, core::Service& service) {
  for (const auto& item : section.list("ports")) {
    const auto port = static_cast<std::uint16_t>(item.number);
    const auto has_port = [port](const core::Service& s) { return std::ranges::find(s.ports, port) != s.ports.end(); };
    if (has_port(service))
      loading_.diagnostics.error(item.place, fmt::format("service.ports: {} stands there twice", port));
    for (const auto& other : services_)
      if (has_port(other.service))
        loading_.diagnostics.error(item.place, fmt::format("service.ports: {} belongs to service \"{}\" at {} already",
                                                           port, other.service.name, other.place.text()));
    service.ports.push_back(port);
  }
}

void ServiceLoader::templates(const Section& section, core::Service& service) {
  for (const auto& item : section.list("names")) {
    auto parsed = core::OwnerTemplate::parse(item.text);
    if (parsed)
      service.names.push_back(std::move(*parsed));
    else
      loading_.diagnostics.error(item.place, fmt::format("service.names: expected a template such as "
                                                         "\"_smtp-client.{{helo}}\", found \"{}\": {}",
                                                         item.text, parsed.error()));
  }
  too_many(section, limits_.names_per_request, "limits.names-per-request");
  // One verdict resolves all its names at once, and all of them may be under one entry of the lookup list.
  too_many(section, limits_.lookups_per_client, "limits.lookups-per-client");
  too_many(section, limits_.lookups_per_entry, "limits.lookups-per-entry");
  too_many(section, limits_.lookups, "limits.lookups");
}

void ServiceLoader::too_many(const Section& section, std::size_t limit, std::string_view what) {
  const auto& items = section.list("names");
  if (items.size() > limit)
    loading_.diagnostics.error(items[limit].place, fmt::format("service.names: {} templates are more than {} ({})",
                                                               items.size(), what, limit));
}

void ServiceLoader::load(const Section& section) {
  if (!check_required(section, loading_.diagnostics)) return;
  core::Service service;
  name(section, service);
  ports(section, service);
  templates(section, service);
  service.default_action = action_named(section.text("default"));
  service.mode = section.text("mode") == "monitor" ? core::Mode::monitor : core::Mode::enforce;
  service.keep_case = section.text("case") == "keep";
  services_.push_back({std::move(service), section.place("name")});
}

} // namespace

bool is_simple_token(std::string_view text) noexcept {
  constexpr std::size_t max_token = 64;
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= max_token && letter_or_digit(text.front()) &&
         std::ranges::all_of(text, [&](char c) { return letter_or_digit(c) || c == '-' || c == '_' || c == '.'; });
}

std::vector<Section> default_services(Diagnostics& diagnostics) {
  std::vector<Section> sections;
  for (const auto text : {default_smtp, default_submission})
    sections.push_back(section_from_text("service", std::string(text), diagnostics));
  return sections;
}

std::vector<LoadedService> load_services(const Loading& loading, const Limits& limits) {
  ServiceLoader loader(loading, limits);
  if (loading.document.services.empty()) {
    for (const auto& section : default_services(loading.diagnostics))
      loader.load(section);
  } else {
    for (const auto& section : loading.document.services)
      loader.load(section);
  }
  return loader.take();
}

} // namespace danegate::config
