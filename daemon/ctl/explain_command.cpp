#include "daemon/ctl/explain_command.h"

#include "daemon/ctl/bench.h"
#include "daemon/ctl/command.h"
#include "daemon/ctl/daemon_client.h"
#include "daemon/service/ports.h"
#include "daemon/tls/certificate.h"
#include "policy/explain.h"
#include "policy/requests.h"

#include <fmt/format.h>

#include <istream>
#include <ostream>
#include <utility>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

constexpr std::size_t max_live_request = 65536; ///< octets: what the control socket takes

std::optional<core::Certificate> certificate_or_throw(const std::string& file) {
  if (file.empty()) return std::nullopt;
  auto certificate = tls::read_certificate(file);
  if (!certificate) throw Failure{EX_DATAERR, fmt::format("{}: {}", file, certificate.error())};
  return std::move(*certificate);
}

std::vector<std::string> requests_or_throw(std::istream& in, std::size_t max_request) {
  std::string text;
  std::string chunk(65536, '\0');
  while (in.read(chunk.data(), static_cast<std::streamsize>(chunk.size())) || in.gcount() > 0) {
    text.append(chunk, 0, static_cast<std::size_t>(in.gcount()));
    if (text.size() > policy::max_input)
      throw Failure{EX_DATAERR, fmt::format("more than {} octets on standard input", policy::max_input)};
  }
  auto requests = policy::split_requests(text, max_request);
  if (!requests) throw Failure{EX_DATAERR, requests.error()};
  return std::move(*requests);
}

void explain_or_throw(const ExplainOptions& options, std::istream& in, std::ostream& out) {
  const auto ports = service::library_ports();
  const auto config = load_config(options.config_file, ports);
  const auto certificate = certificate_or_throw(options.certificate_file);
  const auto requests = requests_or_throw(in, config->limits.request_bytes);

  Bench bench(config);
  const policy::JudgeNow judge = [&bench](core::Question question) { return bench.judge(std::move(question)); };
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto explanation = policy::explain_request(requests[i], *config, certificate, ports, judge);
    if (!explanation) throw Failure{EX_DATAERR, fmt::format("request {}: {}", i + 1, explanation.error())};
    explanation->number = i + 1;
    out << (options.json ? policy::explain_as_json(*explanation) : policy::explain_as_text(*explanation)) << std::flush;
  }
}

} // namespace

int explain(const ExplainOptions& options, std::istream& in, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    explain_or_throw(options, in, out);
    return EX_OK;
  });
}

int explain_live(const ExplainOptions& options, const std::string& socket, std::istream& in, std::ostream& out,
                 std::ostream& err) {
  return run_guarded(err, [&] {
    const auto requests = requests_or_throw(in, max_live_request);
    const auto daemon = find_daemon({socket, options.config_file}, err);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      const auto reply =
          daemon.post(fmt::format("/explain?as={}&number={}", options.json ? "json" : "text", i + 1), requests[i]);
      check_reply(reply);
      out << reply.body << std::flush;
    }
    return EX_OK;
  });
}

} // namespace danegate::ctl
