#include "daemon/ctl/command.h"

#include "daemon/config/load.h"
#include "daemon/ctl/owner_choice.h"
#include "daemon/service/ports.h"

#include <filesystem>
#include <ostream>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <sysexits.h>

namespace danegate::ctl {

Failure wrong_file(const std::string& file, const std::string& why) {
  return {EX_DATAERR, file + ": " + why};
}

config::ConfigPtr load_config(const std::string& file, const core::Ports& ports) {
  auto loaded = config::load(file, config::read_environment(ports));
  if (loaded) return std::move(*loaded);
  std::string lines;
  for (const auto& error : loaded.error())
    lines += (lines.empty() ? "" : "\n") + error.text();
  throw Failure{EX_CONFIG, std::move(lines)};
}

config::ConfigPtr load_config_if_any(const std::string& file, const core::Ports& ports) {
  std::error_code error;
  const bool absent = std::filesystem::status(file, error).type() == std::filesystem::file_type::not_found;
  return load_config(absent && file == default_config ? std::string() : file, ports);
}

std::expected<core::OwnerName, std::string> find_owner(const std::string& config_file, const std::string& name,
                                                       const std::string& label, const std::string& service) {
  const auto ports = service::library_ports();
  if (!label.empty() || name.starts_with('_')) return owner_to_publish(name, label, {}, ports);
  const auto config = load_config_if_any(config_file, ports);
  const auto services = choose_services(config->rules->services(), service);
  if (!services) return std::unexpected(services.error());
  return owner_to_publish(name, label, *services, ports);
}

int run_guarded(std::ostream& err, const std::function<int()>& command) {
  try {
    return command();
  } catch (const Failure& failure) {
    err << "danegate: " << failure.message << '\n';
    return failure.status;
  } catch (const std::runtime_error& error) {
    err << "danegate: " << error.what() << '\n';
    return EX_CONFIG;
  }
}

} // namespace danegate::ctl
