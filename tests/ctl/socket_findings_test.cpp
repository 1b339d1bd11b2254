// What `danegate check` finds about sockets, the policy client's options, the milter, and proxies.
#include "tests/ctl/postfix_bench.h"

#include <chrono>

namespace danegate::ctl {

namespace {

const std::string from_rule = "[[rule]]\nname = \"from\"\nfrom = [\"acme.example\"]\n"
                              "identities = [\"mta1.acme.example\"]\non-fail = \"hold\"\non-none = \"hold\"\n";
const std::string milter_table = "[milter]\nlisten = \"unix:/var/spool/postfix/danegate/milter\"\n";
const std::string good_milter = "{ unix:danegate/milter, connect_timeout=5s, command_timeout=15s, content_timeout=30s, "
                                "default_action=tempfail }";

Values asking(const std::string& address, const std::string& more = {}) {
  const auto check = "check_policy_service { " + address + ", policy_context=smtp" + more + " }";
  return {{"smtpd_recipient_restrictions", exempt + ", reject_unauth_destination, " + check},
          {"smtpd_data_restrictions", exempt + ", " + check}};
}

std::vector<std::string> twice(const std::string& finding) {
  return {finding + "smtpd_recipient_restrictions", finding + "smtpd_data_restrictions"};
}

std::string listen(const std::string& address) {
  return "[policy]\nlisten = [\"" + address + "\"]\n" + partner_rule;
}

Values milter(const std::string& value) {
  return {{"smtpd_milters", value}};
}

} // namespace

TEST_CASE("Do both sides mean one socket", "[ctl]") {
  const auto wrong = twice("error socket-mismatch main.cf: ");
  check_cases({
      {"relative", partner_rule, asking("unix:danegate/policy"), {{"smtp"}}, {}},
      {"absolute, no chroot",
       partner_rule,
       asking("unix:/var/spool/postfix/danegate/policy"),
       {{"smtp", {}, false}},
       {}},
      {"absolute, in a chroot", partner_rule, asking("unix:/var/spool/postfix/danegate/policy"), {{"smtp"}}, wrong},
      {"absolute within the chroot", partner_rule, asking("unix:/danegate/policy"), {{"smtp"}}, {}},
      {"outside the chroot",
       listen("unix:/run/danegate/policy"),
       asking("unix:/run/danegate/policy"),
       {{"smtp"}},
       wrong},
      {"outside, and no chroot",
       listen("unix:/run/danegate/policy"),
       asking("unix:/run/danegate/policy"),
       {{"smtp", {}, false}},
       {}},
      {"another folder", partner_rule, asking("unix:private/danegate"), {{"smtp"}}, wrong},
      {"one of two, which may be for a second danegate",
       partner_rule,
       {{"smtpd_recipient_restrictions", exempt + ", check_policy_service unix:danegate2/policy"},
        {"smtpd_data_restrictions", exempt + ", check_policy_service unix:danegate/policy"}},
       {{"smtp"}},
       {"warning socket-mismatch main.cf: smtpd_recipient_restrictions"}},
      {"somebody else's", partner_rule, asking("unix:private/policyd-spf"), {{"smtp"}}, {"warning not-asked main.cf"}},
      {"inet", listen("inet:127.0.0.1:10044"), asking("inet:127.0.0.1:10044"), {{"smtp"}}, {}},
      {"inet by name", listen("inet:127.0.0.1:10044"), asking("inet:localhost:10044"), {{"smtp"}}, {}},
      {"inet, any address", listen("inet:0.0.0.0:10044"), asking("inet:192.0.2.1:10044"), {{"smtp"}}, {}},
      {"inet, IPv6", listen("inet:[::1]:10044"), asking("inet:[::1]:10044"), {{"smtp"}}, {}},
      {"inet, another port",
       listen("inet:127.0.0.1:10044"),
       asking("inet:127.0.0.1:10045"),
       {{"smtp"}},
       {"warning not-asked main.cf"}},
      {"inet, another host's danegate",
       listen("inet:127.0.0.1:10044"),
       asking("inet:192.0.2.1:10044"),
       {{"smtp"}},
       {"warning not-asked main.cf"}},
  });
  const auto findings =
      findings_of({"", listen("unix:/run/danegate/policy"), asking("unix:/run/danegate/policy"), {{"smtp"}}, {}});
  REQUIRE(findings.front().fixes.size() == 2);
  CHECK(findings.front().fixes[0].file == "danegate.toml");
  CHECK(findings.front().fixes[0].entry == "[policy]");
  CHECK(findings.front().fixes[0].text == "listen = [\"unix:/var/spool/postfix/danegate/policy\"]");
  CHECK(findings.front().fixes[1].text.ends_with("check_policy_service { unix:danegate/policy, policy_context=smtp }"));
}

TEST_CASE("May Postfix open the socket", "[ctl]") {
  const auto policy = [](const std::string& settings) { return "[policy]\n" + settings + partner_rule; };
  check_cases({
      {"the default", partner_rule, {}, {{"smtp"}}, {}},
      {"another group", policy("socket-group = \"mail\"\n"), {}, {{"smtp"}}, {"error socket-access danegate.toml"}},
      {"another group, and everybody may",
       policy("socket-group = \"mail\"\nsocket-mode = 0o666\n"),
       {},
       {{"smtp"}},
       {}},
      {"the group may only read",
       policy("socket-mode = 0o640\n"),
       {},
       {{"smtp"}},
       {"error socket-access danegate.toml"}},
      {"a group that nobody knows", policy("socket-group = \"nobody-knows\"\n"), {}, {{"smtp"}}, {}},
      {"no Postfix account", partner_rule, {{"mail_owner", "unheard-of"}}, {{"smtp"}}, {}},
      {"the folder is missing",
       "[policy]\nlisten = [\"unix:/missing/policy\"]\n" + partner_rule,
       asking("unix:/missing/policy"),
       {{"smtp", {}, false}},
       {"warning socket-folder danegate.toml"}},
  });
  CHECK(fixes_of({"", policy("socket-group = \"mail\"\nsocket-mode = 0o600\n"), {}, {{"smtp"}}, {}}) ==
        std::vector<std::string>{"[policy]: socket-group = \"postfix\"", "[policy]: socket-mode = 0o660"});
}

TEST_CASE("The policy client's options", "[ctl]") {
  const auto with = [](const std::string& more) { return asking("unix:danegate/policy", more); };
  check_cases({
      {"Postfix's own timeout", partner_rule, with(""), {{"smtp"}}, {}},
      {"shorter than the deadline",
       partner_rule,
       with(", timeout=8s"),
       {{"smtp"}},
       twice("error policy-timeout main.cf: ")},
      {"longer than the deadline", partner_rule, with(", timeout=9s"), {{"smtp"}}, {}},
      {"by the parameter",
       partner_rule,
       {{"smtpd_policy_service_timeout", "5"},
        {"smtpd_recipient_restrictions", exempt + ", check_policy_service unix:danegate/policy"},
        {"smtpd_data_restrictions", exempt + ", check_policy_service unix:danegate/policy"}},
       {{"smtp"}},
       {"error policy-timeout main.cf: smtpd_policy_service_timeout"}},
      {"DUNNO beside rules that refuse",
       partner_rule,
       with(", default_action=DUNNO"),
       {{"smtp"}},
       twice("warning default-lax main.cf: ")},
      {"OK behind reject_unauth_destination",
       partner_rule,
       with(", default_action=OK"),
       {{"smtp"}},
       twice("warning default-lax main.cf: ")},
      {"DUNNO while nothing is refused",
       partner_rule + "mode = \"monitor\"\n",
       with(", default_action=DUNNO"),
       {{"smtp"}},
       {}},
      {"in a class that a map names",
       partner_rule,
       {{"smtpd_restriction_classes", "danegate"},
        {"danegate", "check_policy_service { unix:danegate/policy, timeout=2s, policy_context=smtp }"},
        {"smtpd_recipient_restrictions", "check_sender_access hash:/danegate_senders"},
        {"smtpd_data_restrictions", "check_sender_access hash:/danegate_senders"}},
       {{"smtp"}},
       {"error policy-timeout main.cf: danegate"}},
      {"idle",
       "[policy]\nidle-timeout = \"100s\"\n" + partner_rule,
       {},
       {{"smtp"}},
       {"warning policy-idle main.cf: smtpd_policy_service_max_idle"}},
      {"tries once",
       partner_rule,
       {{"smtpd_policy_service_try_limit", "1"}},
       {{"smtp"}},
       {"warning policy-try-limit main.cf: smtpd_policy_service_try_limit"}},
      {"a few requests",
       partner_rule,
       {{"smtpd_policy_service_request_limit", "1"}},
       {{"smtp"}},
       {"note policy-request-limit main.cf: smtpd_policy_service_request_limit"}},
      {"many requests", partner_rule, {{"smtpd_policy_service_request_limit", "100"}}, {{"smtp"}}, {}},
  });
}

TEST_CASE("The milter", "[ctl]") {
  const auto all = milter_table + partner_rule + from_rule;
  check_cases({
      {"as README has it", all, milter(good_milter), {{"smtp"}}, {}},
      {"beside another one", all, milter("inet:127.0.0.1:8891, " + good_milter), {{"smtp"}}, {}},
      {"nobody asks it",
       milter_table + partner_rule,
       {},
       {{"smtp"}},
       {"warning milter-not-asked main.cf: smtpd_milters"}},
      {"nobody asks it, and rules need it", all, {}, {{"smtp"}}, {"error milter-not-asked main.cf: smtpd_milters"}},
      {"another path",
       all,
       milter("{ unix:/run/danegate/milter, command_timeout=15s, content_timeout=30s }"),
       {{"smtp"}},
       {"error socket-mismatch main.cf: smtpd_milters"}},
      {"an old Postfix",
       all,
       {{"smtpd_milters", good_milter}, {"mail_version", "3.1.15"}},
       {{"smtp"}},
       {"error milter-old-postfix main.cf: smtpd_milters"}},
      {"on submission, which is not asked about",
       all + "[[rule]]\nname = \"s\"\nfrom = [\"b.example\"]\n",
       milter(good_milter),
       {{"smtp"}, {"submission", {{"smtpd_recipient_restrictions", ""}, {"smtpd_data_restrictions", ""}}}},
       {"warning milter-no-evidence master.cf: submission/inet"}},
      {"short timeouts",
       all,
       milter("{ unix:danegate/milter, command_timeout=5s, content_timeout=8s }"),
       {{"smtp"}},
       {"error milter-timeout main.cf: smtpd_milters", "error milter-timeout main.cf: smtpd_milters"}},
      {"accept beside rules that hold",
       all,
       milter("{ unix:danegate/milter, default_action=accept }"),
       {{"smtp"}},
       {"warning milter-default main.cf: smtpd_milters"}},
      {"accept, and no rule holds",
       milter_table + partner_rule,
       milter("{ unix:danegate/milter, default_action=accept }"),
       {{"smtp"}},
       {}},
      {"reject by default",
       all,
       {{"smtpd_milters", "unix:danegate/milter"}, {"milter_default_action", "reject"}},
       {{"smtp"}},
       {"warning milter-default main.cf: milter_default_action"}},
  });
  CHECK(fixes_of({"", all, milter("inet:127.0.0.1:8891"), {{"smtp"}}, {}}) ==
        std::vector<std::string>{"smtpd_milters = inet:127.0.0.1:8891, { unix:danegate/milter, connect_timeout=5s, "
                                 "command_timeout=15s, content_timeout=30s, default_action=tempfail }"});
}

TEST_CASE("Proxies", "[ctl]") {
  const Values xclient{{"smtpd_authorized_xclient_hosts", "192.0.2.1"}};
  auto entry = submission();
  entry.overrides["smtpd_authorized_xclient_hosts"] = "192.0.2.1";
  const std::string bound = submission_rule + "clients = [\"198.51.100.0/24\"]\n";
  check_cases({
      {"XCLIENT in main.cf",
       submission_rule,
       xclient,
       {submission()},
       {"error xclient main.cf: smtpd_authorized_xclient_hosts"}},
      {"XCLIENT in one entry",
       submission_rule,
       {},
       {entry},
       {"error xclient master.cf: submission/inet: smtpd_authorized_xclient_hosts"}},
      {"bound to networks", bound, xclient, {submission()}, {}},
      {"who permits is asked elsewhere",
       partner_rule + submission_rule,
       xclient,
       {{"smtp"}, {submission().name, submission().overrides}},
       {"error xclient main.cf: smtpd_authorized_xclient_hosts"}},
      {"a class for another service",
       partner_rule + submission_rule,
       {{"smtpd_authorized_xclient_hosts", "192.0.2.1"},
        {"smtpd_restriction_classes", "danegate"},
        {"danegate", policy_check("smtp")},
        {"smtpd_recipient_restrictions", "check_sender_access hash:/danegate_senders"},
        {"smtpd_data_restrictions", "check_sender_access hash:/danegate_senders"}},
       {{"smtp"}},
       {}},
      {"no rule permits", partner_rule, xclient, {{"smtp"}}, {}},
      {"in monitor mode, which ends one day",
       submission_rule + "mode = \"monitor\"\n",
       xclient,
       {submission()},
       {"error xclient main.cf: smtpd_authorized_xclient_hosts"}},
      {"XFORWARD lends nothing",
       submission_rule,
       {{"smtpd_authorized_xforward_hosts", "192.0.2.1"}},
       {submission()},
       {}},
      {"a rule goes by the address that a proxy says",
       bound,
       {{"smtpd_upstream_proxy_protocol", "haproxy"}},
       {submission()},
       {"note upstream-proxy main.cf: smtpd_upstream_proxy_protocol"}},
      {"no rule does", submission_rule, {{"smtpd_upstream_proxy_protocol", "haproxy"}}, {submission()}, {}},
  });
  CHECK(fixes_of({"", submission_rule, xclient, {submission()}, {}}) ==
        std::vector<std::string>{"smtpd_authorized_xclient_hosts = "});
}

TEST_CASE("Postfix's times and actions", "[ctl]") {
  using std::chrono::seconds;
  CHECK(postfix_time("10s") == seconds(10));
  CHECK(postfix_time("100") == seconds(100));
  CHECK(postfix_time("5m") == seconds(300));
  CHECK(postfix_time("2h") == seconds(7200));
  CHECK(postfix_time("1d") == seconds(86400));
  CHECK(postfix_time("1w") == seconds(604800));
  for (const auto* const text : {"", "s", "10x", "10ss", "-1s", "99999999999s", " 1"})
    CHECK_FALSE(postfix_time(text));
  for (const auto* const text : {"OK", "ok", "permit", "RELAY x", "1234", "250"})
    CHECK(is_permitting_action(text));
  for (const auto* const text : {"DUNNO", "451 4.3.5 x", "550", "", "reject", "DEFER_IF_PERMIT"})
    CHECK_FALSE(is_permitting_action(text));
  for (const auto* const text : {"DUNNO", "dunno", "OK", "WARN x", "prepend X: y"})
    CHECK(is_lax_action(text));
  for (const auto* const text : {"451 4.3.5 x", "DEFER", "HOLD", "REJECT", ""})
    CHECK_FALSE(is_lax_action(text));
}

} // namespace danegate::ctl
