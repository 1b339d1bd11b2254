#include "daemon/ctl/owner_choice.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace danegate::ctl {

namespace {

using core::DnsName;
using core::Identity;
using core::OwnerName;

bool is_owner(const Identity& identity) noexcept {
  return !identity.is_address() && identity.domain.text().starts_with('_');
}

std::unexpected<std::string> unusable(std::string_view text, std::string_view why) {
  return std::unexpected(fmt::format("\"{}\": {}; expected an owner name (_smtp-client.mta1.acme.example), a host name "
                                     "(mta1.acme.example) or an address",
                                     text, why));
}

std::expected<Identity, std::string> read_name(std::string_view text, const core::Ports& ports) {
  auto identity = core::parse_identity(text, ports.to_ascii);
  if (!identity) return unusable(text, identity.error());
  if (is_owner(*identity) && identity->domain.label_count() < 2) return unusable(text, "a label alone");
  return identity;
}

/// The owner name as it stands; the identity is what the flow makes of it (core/owner_names.h).
OwnerName as_given(const DnsName& owner) {
  const auto host = owner.text().starts_with('_') ? owner.parent() : std::nullopt;
  return {owner, Identity{{}, host ? *host : owner}};
}

void add(std::vector<NameToTry>& names, OwnerName name, std::string from) {
  const auto same = std::ranges::find_if(names, [&](const NameToTry& other) { return other.name.owner == name.owner; });
  if (same == names.end())
    names.push_back({std::move(name), {std::move(from)}});
  else
    same->from.push_back(std::move(from));
}

/// Why the first template that could have made a name did not.
std::string why_none(const Identity& identity, std::span<const core::Service> services, const core::Ports& ports) {
  core::Claims claims;
  if (identity.is_address())
    claims.sender = {identity.local, identity.domain};
  else
    claims.helo = claims.subject = claims.client = identity.domain.text();
  for (const auto& service : services)
    for (const auto& name_template : service.names)
      if (const auto made = name_template.expand(claims, service.keep_case, ports); !made)
        return fmt::format("{} of service {} makes no name of it ({})", name_template.text(), service.name,
                           made.error());
  return "no service makes a name of it";
}

} // namespace

std::expected<std::span<const core::Service>, std::string> choose_services(std::span<const core::Service> services,
                                                                           std::string_view name) {
  if (name.empty()) return services;
  std::string known;
  for (std::size_t i = 0; i < services.size(); ++i) {
    if (services[i].name == name) return services.subspan(i, 1);
    known += (known.empty() ? "" : ", ") + services[i].name;
  }
  return std::unexpected(fmt::format("there is no service \"{}\"; there are: {}", name, known));
}

std::expected<std::vector<NameToTry>, std::string>
names_to_try(std::string_view text, std::span<const core::Service> services, const core::Ports& ports) {
  const auto identity = read_name(text, ports);
  if (!identity) return std::unexpected(identity.error());
  std::vector<NameToTry> names;
  const bool has_underscore = !identity->is_address() && identity->domain.text().contains('_');
  if (has_underscore) add(names, as_given(identity->domain), "as given");
  if (is_owner(*identity)) return names;
  for (const auto& service : services)
    for (const auto& name_template : service.names)
      if (auto name = name_template.name_for(*identity, service.keep_case, ports))
        add(names, std::move(*name), fmt::format("{}: {}", service.name, name_template.text()));
  if (names.empty()) return unusable(text, why_none(*identity, services, ports));
  return names;
}

std::expected<OwnerName, std::string> owner_to_publish(std::string_view text, std::string_view label,
                                                       std::span<const core::Service> services,
                                                       const core::Ports& ports) {
  const auto identity = read_name(text, ports);
  if (!identity) return std::unexpected(identity.error());
  if (is_owner(*identity)) {
    if (!label.empty()) return unusable(text, "an owner name already, so --label has no place before it");
    return as_given(identity->domain);
  }
  if (label.empty()) {
    for (const auto& service : services)
      for (const auto& name_template : service.names)
        if (auto name = name_template.name_for(*identity, service.keep_case, ports)) return std::move(*name);
    return unusable(text, why_none(*identity, services, ports));
  }
  const auto parsed = DnsName::parse(label);
  if (!parsed || parsed->label_count() != 1 || !label.starts_with('_') || label.ends_with('.') || label.size() < 2)
    return std::unexpected(fmt::format("--label: expected one label such as _smtp-client, found \"{}\"", label));
  if (identity->is_address()) return unusable(text, "--label goes before a host name");
  const auto owner = DnsName::parse(fmt::format("{}.{}", label, identity->domain.text()));
  if (!owner) return unusable(text, describe(owner.error()));
  return as_given(*owner);
}

} // namespace danegate::ctl
