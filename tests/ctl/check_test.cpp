// `danegate check`: exit codes, what is printed where, and Postfix's side.
#include "daemon/ctl/check.h"

#include "tests/config/config_files.h"

#include <set>
#include <sstream>
#include <stdexcept>

#include <sys/stat.h>
#include <sysexits.h>

namespace danegate::ctl {

namespace {

using config::Folder;

const std::string permits = "[[rule]]\nname = \"p\"\nidentities = [\"a.example\"]\non-pass = \"permit\"\n";
const std::string own_anchor = "[dns]\ntrust-anchor-files = []\n"
                               "trust-anchors = [\". IN DS 20326 8 2 "
                               "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\"]\n";

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

Outcome run(const CheckOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = check(options, config::environment(), out, err);
  return {status, out.str(), err.str()};
}

std::string program(const Folder& folder, const std::string& script) {
  const auto file = folder.write("postconf", "#!/bin/sh\n" + script);
  REQUIRE(::chmod(file.c_str(), 0700) == 0);
  return file;
}

} // namespace

TEST_CASE("A right configuration gives nothing to say", "[ctl]") {
  const Folder folder;
  const auto found = run({folder.write("danegate.toml", own_anchor), false, {}});
  CHECK(found.err.empty());
  CHECK(found.out.empty());
  CHECK(found.status == EX_OK);
}

TEST_CASE("A wrong configuration is reported with line and column", "[ctl]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", own_anchor + "timeuot = \"4s\"\n");
  const auto found = run({file, true, {}});
  CHECK(found.status == EX_CONFIG);
  CHECK(found.err == file + ":4:1: unknown setting \"timeuot\" (did you mean \"timeout\"?)\n");
  CHECK(found.out.empty());
}

TEST_CASE("Warnings are printed and change nothing", "[ctl]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", own_anchor + "[lookup]\ndomains = [\"*\"]\n");
  const auto found = run({file, false, {}});
  CHECK(found.status == EX_OK);
  CHECK(found.err.starts_with(file + ":5:12: warning: lookup.domains: "));
}

TEST_CASE("The configuration in force goes to standard output", "[ctl]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", own_anchor + "[log]\nlevel = \"debug\"\n");
  const auto found = run({file, true, {}});
  CHECK(found.status == EX_OK);
  CHECK(found.out.contains("\nlevel = \"debug\"\n"));
  CHECK(found.out.contains("\nlookups = 512\n"));
}

TEST_CASE("A trust anchor file that cannot be read is an error", "[ctl]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "[dns]\ntrust-anchor-files = [\"none.key\"]\n");
  const auto found = run({file, false, {}});
  CHECK(found.status == EX_CONFIG);
  CHECK(found.err.starts_with(file + ": "));
  CHECK(found.err.contains("none.key"));
}

TEST_CASE("Postfix's tool is asked, with and without an answer", "[ctl]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", own_anchor + permits);
  const std::string answers =
      "[ \"$1\" = -c ] && [ \"$2\" = /etc/postfix ] || exit 1\n"
      "case $3 in\n"
      "-M) echo 'smtp inet n - n - - smtpd' ;;\n"
      "-x) echo 'queue_directory = /var/spool/postfix'\n"
      "    echo 'smtpd_tls_security_level = may'\n"
      "    echo 'smtpd_tls_cert_file = x'\n"
      "    echo 'smtpd_tls_ask_ccert = yes'\n"
      "    echo 'smtpd_tls_fingerprint_digest = sha256'\n"
      "    echo 'smtpd_relay_restrictions = check_policy_service unix:danegate/policy, reject'\n";
  const auto asked =
      run({file, false, program(folder, answers + "    echo 'smtpd_authorized_xclient_hosts = 192.0.2.1' ;;\nesac\n")});
  CHECK(asked.status == EX_CONFIG);
  CHECK(asked.err.contains("/etc/postfix/main.cf: smtpd_authorized_xclient_hosts: rule \"p\" (" + file +
                           ":5:8) permits without clients"));
  CHECK(asked.err.contains(" [xclient]\n    fix, /etc/postfix/main.cf: smtpd_authorized_xclient_hosts = \n"));
  const auto quiet = run({file, false, program(folder, answers + "    ;;\nesac\n")});
  CHECK(quiet.status == EX_OK);
  CHECK_FALSE(quiet.err.contains("xclient"));
  const auto broken = run({file, false, program(folder, "exit 1\n")});
  CHECK(broken.status == EX_OK);
  CHECK(broken.err.contains("warning: "));
  CHECK(broken.err.contains("Postfix's side is not checked"));
}

TEST_CASE("The report as JSON", "[ctl]") {
  const Folder folder;
  CheckOptions options{folder.write("danegate.toml", own_anchor + "[lookup]\ndomains = [\"*\"]\n")};
  options.json = true;
  const auto found = run(options);
  CHECK(found.err.empty());
  CHECK(found.out.starts_with("{\"file\":\"" + options.file +
                              "\",\"status\":0,\"postfix\":\"\",\"live\":null,"
                              "\"findings\":[{\"id\":\"lookup-open\",\"severity\":\"warning\",\"where\":\"" +
                              options.file + ":5:12\","));
  CHECK(found.out.ends_with("]}\n"));
  options.file = folder.write("danegate.toml", "x = 1\n");
  const auto wrong = run(options);
  CHECK(wrong.status == EX_CONFIG);
  CHECK(wrong.out.contains("\"status\":78"));
  CHECK(wrong.out.contains("\"id\":\"configuration\",\"severity\":\"error\""));
}

TEST_CASE("What is quoted cannot write to a terminal, and statuses are those of the worst", "[ctl]") {
  CheckReport report{"danegate.toml", {}, {}, {}};
  CHECK(report.status() == EX_OK);
  report.findings.push_back(make_finding("map-decides", "a\x1b[31m\nb"));
  CHECK(report_as_text(report) == "note: a?[31m?b [map-decides]\n");
  CHECK(report.status() == EX_OK);
  report.findings.push_back(make_finding("resolver-clock", "late"));
  CHECK(report.status() == EX_TEMPFAIL);
  report.findings.push_back(make_finding("postfix-md5", "weak"));
  CHECK(report.status() == EX_CONFIG);
}

TEST_CASE("Every kind of finding has a name and a help of its own", "[ctl]") {
  std::set<std::string_view> ids;
  const auto text = kinds_as_text();
  for (const auto& kind : finding_kinds()) {
    INFO(kind.id);
    CHECK(ids.insert(kind.id).second);
    CHECK(kind.id.size() < 22);
    CHECK(kind.help.size() > 10);
    CHECK(text.contains('\n' + std::string(kind.id) + ' ') != text.starts_with(std::string(kind.id) + ' '));
  }
  CHECK_THROWS_AS(kind_of("no-such-finding"), std::logic_error);
}

} // namespace danegate::ctl
