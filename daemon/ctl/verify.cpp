#include "daemon/ctl/verify.h"

#include "daemon/ctl/bench.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/shown_credential.h"
#include "daemon/ctl/verify_question.h"
#include "daemon/ctl/verify_report.h"
#include "daemon/service/ports.h"
#include "daemon/tls/certificate.h"
#include "daemon/tls/public_key.h"

#include <fmt/format.h>

#include <ostream>
#include <utility>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

core::Evidence evidence_of(const VerifyOptions& options, core::HashFunction hash) {
  const auto shown = mail_server_named(options.shown_by);
  if (!shown)
    throw Failure{EX_USAGE, fmt::format("--as: expected postfix, sendmail or exim, found \"{}\"", options.shown_by)};
  if (!options.certificate.empty())
    return evidence_of_certificate(contents_or_end(options.certificate, tls::read_certificate(options.certificate)),
                                   *shown, hash);
  if (!options.key.empty())
    return evidence_of_key(contents_or_end(options.key, tls::read_public_key(options.key)), hash);
  return value_or_end(evidence_of_digest(options.digest), EX_DATAERR);
}

VerifyReport ask(const VerifyOptions& options) {
  const auto ports = service::library_ports();
  const auto config = load_config_if_any(options.config_file, ports);
  auto asked = value_or_end(question_about(options.name, options.service, config->rules->services(), ports), EX_USAGE);
  asked.question.evidence = evidence_of(options, ports.hash);
  // The daemon's settings, but for what it would allow: everybody may be looked up, nobody is refused.
  auto open = std::make_shared<config::Config>(*config);
  open->rules = asked.rules;
  open->rule_places.clear();
  Bench bench(std::move(open));
  return {options.name, bench.judge(std::move(asked.question))};
}

} // namespace

int verify(const VerifyOptions& options, const Style& style, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto report = ask(options);
    out << (options.json ? verify_as_json(report) : verify_as_text(report, style)) << std::flush;
    return exit_code(report.decision.outcome.result());
  });
}

} // namespace danegate::ctl
