#include "daemon/ctl/provision.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/key_folder.h"
#include "daemon/ctl/resolver.h"
#include "daemon/ctl/shown_credential.h"
#include "daemon/service/ports.h"
#include "daemon/tls/certificate.h"

#include <fmt/format.h>

#include <ostream>
#include <utility>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

core::DnsName host_name(const std::string& text) {
  const auto name = core::DnsName::parse(text, service::library_ports().to_ascii);
  const auto wrong = [&](std::string_view why) {
    return Failure{EX_USAGE,
                   fmt::format("\"{}\": {}; expected the host name that the mail server says at EHLO, such as "
                               "mta1.acme.example",
                               text, why)};
  };
  if (!name) throw wrong(describe(name.error()));
  if (name->label_count() < 2) throw wrong("a single label");
  if (name->text().starts_with('_')) throw wrong("an owner name");
  return *name;
}

/// How this was called, for the steps that follow.
std::string command_of(const ProvisionOptions& options, const core::DnsName& name) {
  auto command = fmt::format("danegate provision {}", name.text());
  for (const auto& [option, value, usual] :
       {std::tuple{"--dir", options.folder, default_key_folder}, std::tuple{"--label", options.label, ""},
        std::tuple{"--service", options.service, ""}, std::tuple{"--config", options.config_file, default_config}})
    if (value != usual) command += fmt::format(" {} {}", option, value);
  if (options.ttl != ProvisionOptions{}.ttl) command += fmt::format(" --ttl {}", options.ttl);
  return command + (options.raw_key ? " --raw-key" : "");
}

/// Whoever switches to a key that DNS does not show loses mail.
void check_published(const ProvisionOptions& options, const core::DnsName& owner, const std::string& file,
                     std::ostream& err) {
  const auto ports = service::library_ports();
  const auto config = load_config_if_any(options.config_file, ports);
  const auto certificate = contents_or_end(file, tls::read_certificate(file));
  Resolver resolver(config->dns, [&err](std::string_view words) { err << "danegate: warning: " << words << '\n'; });
  const auto answer = resolver.resolve({owner}).front();
  const auto not_yet = [&](std::string_view why) {
    return Failure{EX_TEMPFAIL,
                   fmt::format("{}: {}; nothing was changed, and the present key stays in use. Publish the "
                               "record of {} first, or say --force",
                               owner.text(), why, file)};
  };
  const auto* const secure = std::get_if<core::Secure>(&answer->outcome);
  if (!secure) throw not_yet(fmt::format("DNS says {}", core::state_of(*answer)));
  const auto shown = options.raw_key ? Shown::postfix_raw_key : Shown::postfix;
  const auto matched = core::match(*secure, evidence_of_certificate(certificate, shown, ports.hash), owner, ports.hash);
  if (matched.verdict != core::MatchVerdict::match) throw not_yet("no record there is of the next key");
}

void switch_keys(const ProvisionOptions& options, const KeyFolder& folder, const core::DnsName& owner,
                 std::ostream& err) {
  const auto next = folder.find(KeyRole::next);
  if (!next || !folder.find(KeyRole::current))
    throw Failure{EX_USAGE, fmt::format("there is no {} key of {} to switch to{}", next ? "present" : "next",
                                        options.name, next ? "" : "; --next makes one")};
  if (!options.force) check_published(options, owner, next->file, err);
  folder.switch_over();
}

ProvisionReport work(const ProvisionOptions& options, std::ostream& err) {
  const auto name = host_name(options.name);
  const auto owner =
      value_or_end(find_owner(options.config_file, name.text(), options.label, options.service), EX_USAGE).owner;
  const KeyFolder folder(options.folder, name);
  if (options.next && !folder.find(KeyRole::current))
    throw Failure{EX_USAGE, fmt::format("{} has no key yet; the first one is made without --next", name.text())};
  if (options.switch_over) switch_keys(options, folder, owner, err);

  ProvisionReport report{
      .name = name, .owner = owner, .command = command_of(options, name), .keys = {}, .warnings = {}};
  report.ttl = std::chrono::seconds(options.ttl);
  report.raw_key = options.raw_key;
  report.switched = options.switch_over;
  report.keys.push_back(folder.find_or_make(KeyRole::current));
  if (options.next)
    report.keys.push_back(folder.find_or_make(KeyRole::next));
  else if (auto next = folder.find(KeyRole::next))
    report.keys.push_back(std::move(*next));
  for (auto& old : folder.old_keys())
    report.keys.push_back(std::move(old));
  report.warnings = folder.warnings();
  return report;
}

} // namespace

int provision(const ProvisionOptions& options, const Style& style, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto report = work(options, err);
    for (const auto& warning : report.warnings)
      err << "danegate: warning: " << warning << '\n';
    out << (options.json ? provision_as_json(report) : provision_as_text(report, style)) << std::flush;
    return EX_OK;
  });
}

} // namespace danegate::ctl
