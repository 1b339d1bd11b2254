#include "daemon/ctl/tlsa.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/owner_choice.h"
#include "daemon/ctl/presentation.h"
#include "daemon/ctl/tlsa_advice.h"
#include "daemon/ctl/tlsa_report.h"
#include "daemon/service/ports.h"
#include "daemon/tls/certificate.h"
#include "daemon/tls/public_key.h"

#include <fmt/format.h>

#include <ostream>
#include <utility>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

Published read_published(const TlsaOptions& options) {
  if (options.certificate.empty()) return {{}, contents_or_end(options.key, tls::read_public_key(options.key))};
  auto certificate = contents_or_end(options.certificate, tls::read_certificate(options.certificate));
  return {std::move(certificate.der), std::move(certificate.spki_der)};
}

void add_record(TlsaReport& report, const TlsaKind& kind, const Published& published, const TlsaOptions& options) {
  if (const auto useless = why_useless(kind); !useless.empty() && !options.force)
    throw Failure{EX_USAGE, fmt::format("--usage \"{}\": {}; --force prints it all the same", kind.text(), useless)};
  report.records.push_back(value_or_end(make_record(kind, published, service::library_ports().hash), EX_USAGE));
  for (const auto warning : warnings_on(kind))
    report.warnings.push_back(fmt::format("{}: {}", kind.text(), warning));
}

TlsaReport make_report(const TlsaOptions& options) {
  auto owner = value_or_end(find_owner(options.config_file, options.name, options.label, options.service), EX_USAGE);
  TlsaReport report{std::move(owner.owner), std::chrono::seconds(options.ttl), {}, {}};
  const auto published = read_published(options);
  if (options.usages.empty()) add_record(report, {}, published, options);
  for (const auto& usage : options.usages)
    add_record(report, value_or_end(parse_kind(usage), EX_USAGE), published, options);
  return report;
}

} // namespace

std::string tlsa_as_text(const TlsaReport& report) {
  std::string lines;
  for (const auto& record : report.records)
    lines += zone_line(report.owner, report.ttl, record) + '\n';
  return lines;
}

int tlsa(const TlsaOptions& options, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto report = make_report(options);
    if (!options.json)
      for (const auto& warning : report.warnings)
        err << "danegate: warning: " << warning << '\n';
    out << (options.json ? tlsa_as_json(report) : tlsa_as_text(report)) << std::flush;
    return EX_OK;
  });
}

} // namespace danegate::ctl
