#include "daemon/ctl/cli.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/key_folder.h"
#include "daemon/ctl/lookup.h"
#include "daemon/ctl/provision.h"
#include "daemon/ctl/tlsa.h"
#include "daemon/ctl/verify.h"

#include <CLI/CLI.hpp>

#include <iostream>
#include <memory>

#include <unistd.h>

namespace danegate::ctl {

namespace {

constexpr unsigned max_ttl = 7 * 24 * 60 * 60; // seconds; a record that lives longer is none to revoke a key with

void add_config(CLI::App& command, std::string& config) {
  command.add_option("--config", config, "Configuration file")->type_name("FILE")->capture_default_str();
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "One JSON object");
}

/// Stops parsing unless exactly one of these was given.
void want_one(CLI::App& command, const std::vector<CLI::Option*>& options) {
  command.callback([options] {
    std::size_t given = 0;
    std::string names;
    for (const auto* const option : options) {
      given += option->count();
      names += (names.empty() ? "" : ", ") + option->get_name();
    }
    if (given != 1) throw CLI::ValidationError("give one of " + names);
  });
}

Style style() {
  return Style::for_descriptor(STDOUT_FILENO);
}

template <class Options>
void add_owner_options(CLI::App& command, Options& options) {
  command.add_option("--label", options.label, "Goes before NAME: _smtp-client")->type_name("LABEL");
  command.add_option("--service", options.service, "Whose template makes the name; default: the first")
      ->type_name("NAME");
  command.add_option("--ttl", options.ttl, "Seconds, at most a week")
      ->type_name("N")
      ->check(CLI::Range(1U, max_ttl).description(""))
      ->capture_default_str();
}

Command add_lookup(CLI::App& app, std::string& config) {
  auto* const command = app.add_subcommand("lookup", "Show what is published for a client's name");
  const auto options = std::make_shared<LookupOptions>();
  command->add_option("NAME", options->name, "Host name, address, or owner name")->required();
  command->add_option("--service", options->service, "Only the owner names of this service")->type_name("NAME");
  add_config(*command, config);
  add_json(*command, options->json);
  command->footer("Exit codes: 0 records, 1 absent, 2 insecure, 3 bogus, 4 records none of which\n"
                  "can be judged, 75 failed.");
  return {command, [options, &config] {
            options->config_file = config;
            return lookup(*options, style(), std::cout, std::cerr);
          }};
}

Command add_verify(CLI::App& app, std::string& config) {
  auto* const command = app.add_subcommand("verify", "Compare a certificate or key with what is published");
  const auto options = std::make_shared<VerifyOptions>();
  command->add_option("--name", options->name, "Host name, address, or owner name")->type_name("NAME")->required();
  want_one(*command,
           {command->add_option("--cert", options->certificate, "Certificate, PEM or DER")->type_name("FILE"),
            command->add_option("--key", options->key, "Public or private key: a raw public key")->type_name("FILE"),
            command->add_option("--digest", options->digest, "Fingerprint; cert:HEX or key:HEX says of which")
                ->type_name("HEX")});
  command->add_option("--as", options->shown_by, "Who shows the certificate")
      ->type_name("postfix|sendmail|exim")
      ->capture_default_str();
  command->add_option("--service", options->service, "Whose templates make the owner names")->type_name("NAME");
  add_config(*command, config);
  add_json(*command, options->json);
  command->footer("Exit codes: 0 pass, 1 fail, 2 none, 75 temperror, 65 permerror.");
  return {command, [options, &config] {
            options->config_file = config;
            return verify(*options, style(), std::cout, std::cerr);
          }};
}

Command add_tlsa(CLI::App& app, std::string& config) {
  auto* const command = app.add_subcommand("tlsa", "Print the TLSA record for a certificate or a key");
  const auto options = std::make_shared<TlsaOptions>();
  command->add_option("--name", options->name, "Host name, address, or owner name")->type_name("NAME")->required();
  want_one(*command,
           {command->add_option("--cert", options->certificate, "Certificate, PEM or DER")->type_name("FILE"),
            command->add_option("--key", options->key, "Public or private key, PEM or DER")->type_name("FILE")});
  command->add_option("--usage", options->usages, "\"3 1 1\" (the default) or 311; may be repeated")
      ->type_name("KIND")
      ->allow_extra_args(false);
  add_owner_options(*command, *options);
  command->add_flag("--force", options->force, "Print also what no mail server can judge");
  add_config(*command, config);
  add_json(*command, options->json);
  return {command, [options, &config] {
            options->config_file = config;
            return tlsa(*options, std::cout, std::cerr);
          }};
}

Command add_provision(CLI::App& app, std::string& config) {
  auto* const command = app.add_subcommand("provision", "Make a client's key, and say what to do with it");
  const auto options = std::make_shared<ProvisionOptions>();
  options->folder = default_key_folder;
  command->add_option("NAME", options->name, "What the sending mail server says at EHLO")->required();
  command->add_option("--dir", options->folder, "Keys are in DIR/NAME")->type_name("DIR")->capture_default_str();
  command->add_flag("--raw-key", options->raw_key, "To be shown as a raw public key (Postfix 3.9)");
  auto* const next = command->add_flag("--next", options->next, "Make the next key beside the present one");
  auto* const switched = command->add_flag("--switch", options->switch_over, "Make the next key the present one");
  command->callback([next, switched] {
    if (next->count() > 0 && switched->count() > 0)
      throw CLI::ValidationError("--next comes first, and --switch when its record is published");
  });
  command->add_flag("--force", options->force, "Switch although the record is not published");
  add_owner_options(*command, *options);
  add_config(*command, config);
  add_json(*command, options->json);
  command->footer("No key is ever overwritten or deleted; run again it says the same.");
  return {command, [options, &config] {
            options->config_file = config;
            return provision(*options, style(), std::cout, std::cerr);
          }};
}

} // namespace

std::vector<Command> add_key_commands(CLI::App& app, std::string& config) {
  return {add_lookup(app, config), add_verify(app, config), add_tlsa(app, config), add_provision(app, config)};
}

} // namespace danegate::ctl
