#include "daemon/core/dns_name.h"
#include "daemon/ctl/postfix_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace danegate::ctl {

namespace {

using config::PostfixService;

bool is_on(const PostfixService& service, std::string_view parameter) {
  return core::ascii_iequals(service.value(parameter), "yes");
}

bool one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::ranges::any_of(words, [text](std::string_view word) { return core::ascii_iequals(text, word); });
}

bool has_certificate(const PostfixService& service) {
  return std::ranges::any_of(
      std::array{"smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"},
      [&](const char* parameter) { return !service.value(parameter).empty(); });
}

bool level_is_off(const PostfixService& service) {
  const auto level = service.value("smtpd_tls_security_level");
  if (is_on(service, "smtpd_tls_wrappermode")) return false;
  if (level.empty()) return !is_on(service, "smtpd_use_tls") && !is_on(service, "smtpd_enforce_tls");
  return core::ascii_iequals(level, "none");
}

bool is_mandatory(const PostfixService& service) {
  const auto level = service.value("smtpd_tls_security_level");
  return is_on(service, "smtpd_tls_wrappermode") || is_on(service, "smtpd_enforce_tls") ||
         (!level.empty() && !one_of(level, {"none", "may"}));
}

void find_level(const PostfixView& view, const PostfixService& service, std::vector<Finding>& found) {
  if (level_is_off(service)) {
    auto finding = make_finding("postfix-no-tls", "no TLS is offered here while danegate is asked: every client is "
                                                  "`none no-tls`");
    finding = parameter_finding(view, service, "smtpd_tls_security_level", std::move(finding));
    // Switched off for one entry: on purpose, perhaps, as where a content filter gives mail back.
    if (!finding.entry.empty()) finding.severity = Severity::warning;
    finding.fixes.push_back(set_parameter(view, service, "smtpd_tls_security_level", "may"));
    found.push_back(std::move(finding));
  } else if (!has_certificate(service)) {
    auto finding = make_finding("postfix-no-tls", "Postfix has no certificate of its own, so it offers no TLS: every "
                                                  "client is `none no-tls`");
    found.push_back(parameter_finding(view, service, "smtpd_tls_chain_files", std::move(finding)));
  }
}

void find_request(const PostfixView& view, const PostfixService& service, std::vector<Finding>& found) {
  const bool asks = is_on(service, "smtpd_tls_ask_ccert");
  const bool requires_one = is_on(service, "smtpd_tls_req_ccert");
  if (requires_one) {
    const bool works = is_mandatory(service);
    auto finding = make_finding(
        "postfix-req-ccert",
        works ? "smtpd_tls_req_ccert drops every certificate that no CA signed, and every raw public key, before "
                "danegate is asked"
              : "smtpd_tls_req_ccert is ignored as long as TLS is optional, and drops every certificate that no CA "
                "signed when it is not");
    finding = parameter_finding(view, service, "smtpd_tls_req_ccert", std::move(finding));
    if (!works) finding.severity = Severity::warning;
    finding.fixes.push_back(set_parameter(view, service, "smtpd_tls_req_ccert", "no"));
    if (!asks) finding.fixes.push_back(set_parameter(view, service, "smtpd_tls_ask_ccert", "yes"));
    found.push_back(std::move(finding));
  } else if (!asks) {
    auto finding = make_finding("postfix-no-ccert", "Postfix asks no client for a certificate: whoever has TLS is "
                                                    "`none no-certificate`");
    finding = parameter_finding(view, service, "smtpd_tls_ask_ccert", std::move(finding));
    finding.fixes.push_back(set_parameter(view, service, "smtpd_tls_ask_ccert", "yes"));
    found.push_back(std::move(finding));
  }
}

void find_digest(const PostfixView& view, const PostfixService& service, std::vector<Finding>& found) {
  const auto digest = service.value("smtpd_tls_fingerprint_digest");
  if (one_of(digest, {"sha256", "sha384", "sha512", "sha2-256", "sha2-384", "sha2-512"})) return;
  const bool weak = digest.empty() || one_of(digest, {"md5", "sha1", "sha", "sha-1", "ssl3-md5", "ssl3-sha1"});
  auto finding =
      weak ? make_finding("postfix-md5",
                          fmt::format("smtpd_tls_fingerprint_digest is {}{}: every certificate is `permerror "
                                      "weak-digest`",
                                      digest.empty() ? std::string_view("md5") : digest,
                                      service.is_compatible_below(3, 6)
                                          ? " (md5 is the default while compatibility_level is below 3.6)"
                                          : ""))
           : make_finding("postfix-digest", fmt::format("smtpd_tls_fingerprint_digest is {}; danegate knows sha256, "
                                                        "sha384 and sha512",
                                                        digest));
  finding = parameter_finding(view, service, "smtpd_tls_fingerprint_digest", std::move(finding));
  finding.fixes.push_back(set_parameter(view, service, "smtpd_tls_fingerprint_digest", "sha256"));
  found.push_back(std::move(finding));
}

} // namespace

std::vector<Finding> find_tls(const PostfixView& view) {
  std::vector<Finding> found;
  for (const auto& smtpd : view.smtpd) {
    const bool asks = !smtpd.asks.empty() || std::ranges::any_of(smtpd.class_asks, [&](const Ask& ask) {
      return smtpd.a_map_is_named_after(ask);
    });
    if (!asks) continue;
    const auto before = found.size();
    find_level(view, *smtpd.service, found);
    if (found.size() > before) continue; // without TLS nobody asks for anything
    find_request(view, *smtpd.service, found);
    find_digest(view, *smtpd.service, found);
  }
  return found;
}

} // namespace danegate::ctl
