// Which owner names a name on the command line stands for. Pure.
#pragma once

#include "daemon/core/rules.h"

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

struct NameToTry {
  core::OwnerName name;
  std::vector<std::string>
      from; ///< "smtp: _smtp-client.{helo}", every service and template that makes it; or "as given"
};

/// The services, or the one of that name alone (`--service`); the error says which there are.
std::expected<std::span<const core::Service>, std::string> choose_services(std::span<const core::Service> services,
                                                                           std::string_view name);

/// An owner name (its first label begins with "_") stands for itself; a host name or an address for what the services'
/// templates make of it, in their order. A name with such a label further inside (`sensor._device.example.com`) stands
/// for itself and for that. The error is for people; there is at least one name otherwise.
std::expected<std::vector<NameToTry>, std::string>
names_to_try(std::string_view text, std::span<const core::Service> services, const core::Ports& ports);

/// Where a client's records are published: an owner name stands for itself; `label` (`_smtp-client`) goes before a host
/// name; without one, the first service that makes a name decides.
std::expected<core::OwnerName, std::string> owner_to_publish(std::string_view text, std::string_view label,
                                                             std::span<const core::Service> services,
                                                             const core::Ports& ports);

} // namespace danegate::ctl
