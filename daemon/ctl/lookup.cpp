#include "daemon/ctl/lookup.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/lookup_report.h"
#include "daemon/ctl/resolver.h"
#include "daemon/service/ports.h"

#include <ostream>
#include <utility>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

LookupReport ask(const LookupOptions& options, std::ostream& err) {
  const auto ports = service::library_ports();
  const auto config = load_config_if_any(options.config_file, ports);
  const auto services = value_or_end(choose_services(config->rules->services(), options.service), EX_USAGE);
  auto names = value_or_end(names_to_try(options.name, services, ports), EX_USAGE);
  std::vector<core::DnsName> owners;
  for (const auto& each : names)
    owners.push_back(each.name.owner);

  Resolver resolver(config->dns, [&err](std::string_view words) { err << "danegate: warning: " << words << '\n'; });
  auto answers = resolver.resolve(owners);

  LookupReport report{.name = options.name, .answers = {}, .max_records = config->limits.records_per_name};
  report.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  for (std::size_t i = 0; i < names.size(); ++i) {
    LookupAnswer found{std::move(names[i]), std::move(answers[i]), {}};
    if (const auto* const secure = std::get_if<core::Secure>(&found.answer->outcome))
      found.usability = usability(*secure, found.name.name.owner, ports.hash);
    report.answers.push_back(std::move(found));
  }
  return report;
}

} // namespace

int lookup(const LookupOptions& options, const Style& style, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto report = ask(options, err);
    out << (options.json ? lookup_as_json(report) : lookup_as_text(report, style)) << std::flush;
    return exit_code(state_of(report));
  });
}

} // namespace danegate::ctl
