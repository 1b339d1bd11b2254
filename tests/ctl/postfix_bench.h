// A Postfix that is made of values, for the findings' tests: main.cf as README has it, and entries of master.cf.
#pragma once

#include "daemon/ctl/postfix_findings.h"
#include "tests/config/config_files.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace danegate::ctl {

using Values = std::map<std::string, std::string>;

inline std::string policy_check(const std::string& context, const std::string& action = "451 4.3.5 Later",
                                const std::string& address = "unix:danegate/policy") {
  return "check_policy_service { " + address + ", timeout=10s, { default_action = " + action +
         " }, policy_context=" + context + " }";
}

inline const std::string exempt = "permit_mynetworks, permit_sasl_authenticated";

/// One entry of master.cf: its name, its -o lines, its chroot column.
struct Entry {
  std::string name;
  Values overrides{};
  bool chroot = true;
};

inline config::PostfixValues good_main() {
  return {{"mail_version", "3.7.11"},
          {"compatibility_level", "3.6"},
          {"queue_directory", "/var/spool/postfix"},
          {"mail_owner", "postfix"},
          {"smtpd_tls_security_level", "may"},
          {"smtpd_tls_cert_file", "/etc/ssl/cert.pem"},
          {"smtpd_tls_ask_ccert", "yes"},
          {"smtpd_tls_req_ccert", "no"},
          {"smtpd_sasl_auth_enable", "yes"},
          {"smtpd_tls_fingerprint_digest", "sha256"},
          {"smtpd_relay_restrictions", exempt + ", defer_unauth_destination"},
          {"smtpd_recipient_restrictions", exempt + ", reject_unauth_destination, " + policy_check("smtp")},
          {"smtpd_data_restrictions", exempt + ", " + policy_check("smtp")},
          {"smtpd_policy_service_timeout", "100s"},
          {"smtpd_policy_service_max_idle", "300s"},
          {"smtpd_policy_service_try_limit", "2"},
          {"smtpd_policy_service_request_limit", "0"},
          {"smtpd_policy_service_default_action", "451 4.3.5 Server configuration problem"},
          {"milter_command_timeout", "30s"},
          {"milter_content_timeout", "300s"},
          {"milter_default_action", "tempfail"}};
}

/// The entry of conf/postfix-submission.cf.
inline Entry submission() {
  return {"submission",
          {{"smtpd_recipient_restrictions", ""},
           {"smtpd_data_restrictions", ""},
           {"smtpd_tls_security_level", "encrypt"},
           {"smtpd_relay_restrictions", "permit_sasl_authenticated, " + policy_check("submission") + ", reject"}}};
}

inline config::PostfixSetup make_setup(const Values& changes, const std::vector<Entry>& entries) {
  config::PostfixSetup setup{"/etc/postfix", good_main(), {}};
  for (const auto& [name, value] : changes)
    setup.values[name] = value;
  for (const auto& entry : entries) {
    config::PostfixService service{entry.name, "inet", entry.chroot, {}, setup.values};
    for (const auto& [name, value] : entry.overrides) {
      service.overrides[name] = value;
      service.values[name] = value;
    }
    setup.smtpd.push_back(std::move(service));
  }
  return setup;
}

/// Postfix's user has group 105, and so has the group "postfix"; every folder is there but those below /missing.
inline Surroundings some_host() {
  return {[](const std::string& path) { return path; },
          [](const std::string& user) { return user == "postfix" ? std::optional(105U) : std::nullopt; },
          [](const std::string& group) {
            if (group == "postfix") return std::optional(105U);
            return group == "mail" ? std::optional(8U) : std::nullopt;
          },
          [](const std::string& path) { return !path.starts_with("/missing"); }};
}

inline const std::string partner_rule = "[[rule]]\nname = \"partner\"\nservices = [\"smtp\"]\n"
                                        "senders = [\"acme.example\"]\nidentities = [\"mta1.acme.example\"]\n";
inline const std::string submission_rule = "[[rule]]\nname = \"submission\"\nservices = [\"submission\"]\n"
                                           "senders = [\"example.net\"]\nidentities = [\"{sender}\"]\n"
                                           "on-pass = \"permit\"\n";

struct Case {
  const char* label;
  std::string toml;
  Values main;
  std::vector<Entry> entries;
  std::vector<std::string> expected; ///< "severity id where", in the order of the findings
};

inline std::vector<Finding> findings_of(const Case& row) {
  const auto config = config::load_text(row.toml);
  const auto setup = make_setup(row.main, row.entries);
  const auto around = some_host();
  return find_in_postfix(look_at_postfix("danegate.toml", *config, setup, around));
}

inline std::vector<std::string> summary(const std::vector<Finding>& findings) {
  std::vector<std::string> lines;
  for (const auto& finding : findings) {
    auto where = finding.where();
    if (where.starts_with("/etc/postfix/")) where.erase(0, std::string("/etc/postfix/").size());
    if (finding.place.line > 0) where = "danegate.toml"; // the test's own file has a random name
    lines.push_back(std::string(token(finding.severity)) + ' ' + std::string(finding.id) + ' ' + where);
  }
  return lines;
}

inline void check_cases(const std::vector<Case>& rows) {
  for (const auto& row : rows) {
    INFO(row.label);
    const auto found = findings_of(row);
    for (const auto& finding : found)
      UNSCOPED_INFO(finding.message);
    CHECK(summary(found) == row.expected);
  }
}

/// The text of every fix of the only finding.
inline std::vector<std::string> fixes_of(const Case& row) {
  const auto found = findings_of(row);
  REQUIRE(found.size() == 1);
  std::vector<std::string> texts;
  for (const auto& fix : found.front().fixes)
    texts.push_back((fix.entry.empty() ? "" : fix.entry + ": ") + fix.text);
  return texts;
}

} // namespace danegate::ctl
