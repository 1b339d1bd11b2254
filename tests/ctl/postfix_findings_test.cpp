// What `danegate check` finds in Postfix's configuration: each finding fires, and stays quiet where nothing is wrong.
#include "tests/ctl/postfix_bench.h"

namespace danegate::ctl {

namespace {

const std::string both = partner_rule + submission_rule;
const std::string relay_service = "[[service]]\nname = \"smtp\"\nports = [25]\nnames = [\"_smtp-client.{helo}\"]\n"
                                  "[[service]]\nname = \"relay\"\nnames = [\"_smtp-client.{helo}\"]\n";
const std::string branches = "[[rule]]\nname = \"branches\"\nservices = [\"relay\"]\n"
                             "identities = [\"*.branch.example\"]\non-pass = \"permit\"\n";
const std::string monitor = "mode = \"monitor\"\n";

Values recipients(const std::string& list) {
  return {{"smtpd_recipient_restrictions", list}};
}

} // namespace

TEST_CASE("README's lines give nothing to say", "[ctl]") {
  const std::string classes = "check_sender_access hash:/etc/postfix/danegate_senders";
  check_cases({
      {"partner", partner_rule, {}, {{"smtp"}}, {}},
      {"partner and submission", both, {}, {{"smtp"}, submission()}, {}},
      {"no rules yet", "", {}, {{"smtp"}}, {}},
      {"no rules yet, nobody asks", "", recipients(""), {{"smtp"}}, {}},
      {"form B: a class behind a map",
       partner_rule,
       {{"smtpd_restriction_classes", "danegate"},
        {"danegate", policy_check("smtp")},
        {"smtpd_recipient_restrictions", exempt + ", reject_unauth_destination, " + classes},
        {"smtpd_data_restrictions", exempt + ", " + classes}},
       {{"smtp"}},
       {}},
      {"monitor first",
       partner_rule + monitor,
       {{"smtpd_recipient_restrictions", exempt + ", reject_unauth_destination, " + policy_check("smtp", "DUNNO")},
        {"smtpd_data_restrictions", exempt + ", " + policy_check("smtp", "DUNNO")}},
       {{"smtp"}},
       {}},
      {"branch offices on a port of their own",
       relay_service + branches + partner_rule,
       {},
       {{"smtp"},
        {"2525",
         {{"smtpd_recipient_restrictions", ""},
          {"smtpd_data_restrictions", ""},
          {"smtpd_relay_restrictions", "permit_auth_destination, " + policy_check("relay") + ", reject"}}}},
       {}},
      {"an smtpd that has nothing to do with danegate",
       partner_rule,
       {},
       {{"smtp"},
        {"10025",
         {{"smtpd_recipient_restrictions", "permit_mynetworks, reject"},
          {"smtpd_data_restrictions", ""},
          {"smtpd_tls_security_level", "none"},
          {"smtpd_tls_fingerprint_digest", "md5"},
          {"smtpd_authorized_xclient_hosts", "127.0.0.1"}}}},
       {}},
  });
}

TEST_CASE("TLS: level, certificate, digest", "[ctl]") {
  check_cases({
      {"md5",
       partner_rule,
       {{"smtpd_tls_fingerprint_digest", "md5"}},
       {{"smtp"}},
       {"error postfix-md5 main.cf: smtpd_tls_fingerprint_digest"}},
      {"SHA1, in capitals",
       partner_rule,
       {{"smtpd_tls_fingerprint_digest", "SHA1"}},
       {{"smtp"}},
       {"error postfix-md5 main.cf: smtpd_tls_fingerprint_digest"}},
      {"sha512", partner_rule, {{"smtpd_tls_fingerprint_digest", "SHA512"}}, {{"smtp"}}, {}},
      {"one that danegate cannot tell",
       partner_rule,
       {{"smtpd_tls_fingerprint_digest", "sha3-256"}},
       {{"smtp"}},
       {"warning postfix-digest main.cf: smtpd_tls_fingerprint_digest"}},
      {"md5 in one entry",
       partner_rule,
       {},
       {{"smtp", {{"smtpd_tls_fingerprint_digest", "md5"}}}},
       {"error postfix-md5 master.cf: smtp/inet: smtpd_tls_fingerprint_digest"}},
      {"said once for all entries",
       partner_rule,
       {{"smtpd_tls_fingerprint_digest", "md5"}},
       {{"smtp"}, {"2525"}},
       {"error postfix-md5 main.cf: smtpd_tls_fingerprint_digest"}},
      {"nobody is asked",
       partner_rule,
       {{"smtpd_tls_ask_ccert", "no"}},
       {{"smtp"}},
       {"error postfix-no-ccert main.cf: smtpd_tls_ask_ccert"}},
      {"required, TLS optional",
       partner_rule,
       {{"smtpd_tls_req_ccert", "yes"}},
       {{"smtp"}},
       {"warning postfix-req-ccert main.cf: smtpd_tls_req_ccert"}},
      {"required, TLS mandatory",
       partner_rule,
       {{"smtpd_tls_req_ccert", "yes"}, {"smtpd_tls_security_level", "encrypt"}},
       {{"smtp"}},
       {"error postfix-req-ccert main.cf: smtpd_tls_req_ccert"}},
      {"no TLS",
       partner_rule,
       {{"smtpd_tls_security_level", ""}, {"smtpd_tls_ask_ccert", "no"}},
       {{"smtp"}},
       {"error postfix-no-tls main.cf: smtpd_tls_security_level"}},
      {"no TLS in one entry",
       partner_rule,
       {},
       {{"smtp", {{"smtpd_tls_security_level", "none"}}}},
       {"warning postfix-no-tls master.cf: smtp/inet: smtpd_tls_security_level"}},
      {"the old way to have TLS",
       partner_rule,
       {{"smtpd_tls_security_level", ""}, {"smtpd_use_tls", "yes"}},
       {{"smtp"}},
       {}},
      {"wrapper mode",
       partner_rule,
       {{"smtpd_tls_security_level", ""}, {"smtpd_tls_wrappermode", "yes"}},
       {{"smtp"}},
       {}},
      {"no certificate",
       partner_rule,
       {{"smtpd_tls_cert_file", ""}},
       {{"smtp"}},
       {"error postfix-no-tls main.cf: smtpd_tls_chain_files"}},
  });
  CHECK(fixes_of({"", partner_rule, {{"smtpd_tls_fingerprint_digest", "md5"}}, {{"smtp"}}, {}}) ==
        std::vector<std::string>{"smtpd_tls_fingerprint_digest = sha256"});
  CHECK(fixes_of({"", partner_rule, {}, {{"smtp", {{"smtpd_tls_ask_ccert", "no"}}}}, {}}) ==
        std::vector<std::string>{"smtp/inet:   -o smtpd_tls_ask_ccert=yes"});
}

TEST_CASE("Who asks, and for which service", "[ctl]") {
  const auto unasked = submission();
  Entry own_lists{"submission",
                  {{"smtpd_relay_restrictions", "permit_sasl_authenticated, reject"},
                   {"smtpd_recipient_restrictions", ""},
                   {"smtpd_data_restrictions", ""}}};
  check_cases({
      {"nobody",
       partner_rule,
       {{"smtpd_recipient_restrictions", ""}, {"smtpd_data_restrictions", ""}},
       {{"smtp"}},
       {"warning not-asked main.cf"}},
      {"main.cf never reaches submission",
       both,
       {},
       {{"smtp"}, own_lists},
       {"warning service-not-asked master.cf: submission/inet"}},
      {"no entry for that service", both, {}, {{"smtp"}}, {"warning service-not-asked danegate.toml"}},
      {"one of its ports asks", both, {}, {{"smtp"}, submission(), {"submissions", own_lists.overrides}}, {}},
      {"a map may ask",
       both,
       {{"smtpd_restriction_classes", "danegate"}, {"danegate", policy_check("submission")}},
       {{"smtp"},
        {"submission",
         {{"smtpd_relay_restrictions", "check_client_access hash:/x, reject"},
          {"smtpd_recipient_restrictions", ""},
          {"smtpd_data_restrictions", ""}}}},
       {}},
      {"behind a reject",
       submission_rule,
       {},
       {{"submission",
         {{"smtpd_relay_restrictions", exempt + ", reject, " + policy_check("submission")},
          {"smtpd_recipient_restrictions", ""},
          {"smtpd_data_restrictions", ""}}}},
       {"error check-unreached master.cf: submission/inet: smtpd_relay_restrictions"}},
      {"warn_if_reject",
       partner_rule,
       recipients(exempt + ", reject_unauth_destination, warn_if_reject " + policy_check("smtp")),
       {{"smtp"}},
       {"warning warn-if-reject main.cf: smtpd_recipient_restrictions"}},
      {"a context that is none",
       partner_rule,
       recipients(exempt + ", reject_unauth_destination, " + policy_check("smpt")),
       {{"smtp"}},
       {"warning context-unknown main.cf: smtpd_recipient_restrictions"}},
      {"neither context nor port",
       "",
       {{"smtpd_recipient_restrictions", "check_policy_service unix:danegate/policy"}, {"smtpd_data_restrictions", ""}},
       {{"2525"}},
       {"error no-service main.cf: smtpd_recipient_restrictions"}},
      {"the port of an entry that has its lists from main.cf",
       partner_rule,
       {{"smtpd_recipient_restrictions", exempt + ", check_policy_service unix:danegate/policy"},
        {"smtpd_data_restrictions", exempt + ", check_policy_service unix:danegate/policy"}},
       {{"smtp"}, {"10025"}},
       {"note no-service main.cf: smtpd_recipient_restrictions", "note no-service main.cf: smtpd_data_restrictions"}},
      {"no context, but the port",
       partner_rule,
       {{"smtpd_recipient_restrictions", exempt + ", check_policy_service unix:danegate/policy"},
        {"smtpd_data_restrictions", exempt + ", check_policy_service unix:danegate/policy"}},
       {{"smtp"}},
       {}},
      {"no context, and a name that may be any port",
       partner_rule,
       {{"smtpd_recipient_restrictions", exempt + ", check_policy_service unix:danegate/policy"},
        {"smtpd_data_restrictions", exempt + ", check_policy_service unix:danegate/policy"}},
       {{"mailport"}},
       {}},
  });
  CHECK(fixes_of({"", both, {}, {{"smtp"}, own_lists}, {}}) ==
        std::vector<std::string>{
            "submission/inet:   -o smtpd_recipient_restrictions=", "submission/inet:   -o smtpd_data_restrictions=",
            "submission/inet:   -o { smtpd_relay_restrictions = permit_sasl_authenticated, check_policy_service { "
            "unix:danegate/policy, { default_action = 451 4.3.5 Server configuration problem }, "
            "policy_context=submission, timeout=10s }, reject }"});
  CHECK(fixes_of({"",
                  partner_rule,
                  recipients(exempt + ", reject_unauth_destination, " + policy_check("smpt")),
                  {{"smtp"}},
                  {}})
            .front()
            .ends_with("{ default_action = 451 4.3.5 Later }, policy_context=smtp, timeout=10s }"));
}

TEST_CASE("Where a permit grants relay", "[ctl]") {
  const auto in_recipients = [](const std::string& context) {
    return Entry{"submission",
                 {{"smtpd_recipient_restrictions", "permit_sasl_authenticated, " + policy_check(context) + ", reject"},
                  {"smtpd_data_restrictions", ""}}};
  };
  const auto everywhere = "[[rule]]\nname = \"any\"\nidentities = [\"a.example\"]\non-pass = \"permit\"\n";
  check_cases({
      {"only in the recipient list",
       submission_rule,
       {},
       {in_recipients("submission")},
       {"error permit-no-relay master.cf: submission/inet: smtpd_recipient_restrictions",
        "warning data-not-asked master.cf: submission/inet: smtpd_data_restrictions"}},
      {"the recipient list of old",
       submission_rule,
       {{"smtpd_relay_restrictions", ""}},
       {{"submission",
         {{"smtpd_recipient_restrictions", exempt + ", " + policy_check("submission") + ", reject"},
          {"smtpd_data_restrictions", exempt + ", " + policy_check("submission")}}}},
       {}},
      {"after the refusal",
       submission_rule,
       {},
       {{"submission",
         {{"smtpd_relay_restrictions", exempt + ", reject_unauth_destination, " + policy_check("submission")},
          {"smtpd_recipient_restrictions", ""},
          {"smtpd_data_restrictions", ""}}}},
       {"error permit-no-relay master.cf: submission/inet: smtpd_relay_restrictions"}},
      {"granted on another port", everywhere, {}, {{"smtp"}, submission()}, {}},
      {"on port 25, meant for elsewhere",
       everywhere,
       {{"smtpd_relay_restrictions", exempt + ", " + policy_check("smtp") + ", reject_unauth_destination"}},
       {{"smtp"}},
       {"warning permit-on-mx main.cf: smtpd_relay_restrictions"}},
      {"on port 25, and the rule says so",
       "[[rule]]\nname = \"any\"\nservices = [\"smtp\"]\nidentities = [\"a.example\"]\non-pass = \"permit\"\n",
       {{"smtpd_relay_restrictions", exempt + ", " + policy_check("smtp") + ", reject_unauth_destination"}},
       {{"smtp"}},
       {"note permit-on-mx main.cf: smtpd_relay_restrictions"}},
      {"everybody while danegate is down",
       submission_rule,
       {},
       {{"submission",
         {{"smtpd_relay_restrictions", exempt + ", " + policy_check("submission", "OK") + ", reject"},
          {"smtpd_recipient_restrictions", ""},
          {"smtpd_data_restrictions", ""}}}},
       {"error default-permits master.cf: submission/inet: smtpd_relay_restrictions"}},
  });
  CHECK(
      fixes_of({"",
                submission_rule,
                {},
                {{"submission",
                  {{"smtpd_relay_restrictions", exempt + ", reject_unauth_destination, " + policy_check("submission")},
                   {"smtpd_recipient_restrictions", ""},
                   {"smtpd_data_restrictions", ""}}}},
                {}}) == std::vector<std::string>{"submission/inet:   -o { smtpd_relay_restrictions = " + exempt + ", " +
                                                 policy_check("submission") + ", reject_unauth_destination }"});
}

TEST_CASE("RCPT and DATA lists that differ", "[ctl]") {
  const auto data = [](const std::string& list) { return Values{{"smtpd_data_restrictions", list}}; };
  const std::string map = "check_client_access hash:/x, ";
  const std::string rcpt = ", reject_unauth_destination, " + policy_check("smtp");
  check_cases({
      {"not asked at DATA",
       partner_rule,
       data(""),
       {{"smtp"}},
       {"warning data-not-asked main.cf: smtpd_data_restrictions"}},
      {"nothing is refused", partner_rule + monitor, data(""), {{"smtp"}}, {}},
      {"nothing is refused, and a header is due",
       "[policy]\nheader = \"always\"\n" + partner_rule + monitor,
       data(""),
       {{"smtp"}},
       {"warning data-not-asked main.cf: smtpd_data_restrictions"}},
      {"asked at end of data instead",
       partner_rule,
       {{"smtpd_data_restrictions", ""}, {"smtpd_end_of_data_restrictions", policy_check("smtp")}},
       {{"smtp"}},
       {}},
      {"no exemptions at DATA",
       partner_rule,
       data(policy_check("smtp")),
       {{"smtp"}},
       {"warning data-exemptions main.cf: smtpd_data_restrictions"}},
      {"one too few",
       partner_rule,
       data("permit_mynetworks, " + policy_check("smtp")),
       {{"smtp"}},
       {"warning data-exemptions main.cf: smtpd_data_restrictions"}},
      {"no login, so none that is exempted by it",
       partner_rule,
       {{"smtpd_data_restrictions", "permit_mynetworks, " + policy_check("smtp")}, {"smtpd_sasl_auth_enable", "no"}},
       {{"smtp"}},
       {}},
      {"one more", partner_rule, data(exempt + ", permit_inet_interfaces, " + policy_check("smtp")), {{"smtp"}}, {}},
      {"what is about recipients means nothing at DATA",
       partner_rule,
       recipients(exempt + ", permit_auth_destination, check_recipient_access hash:/r" + rcpt),
       {{"smtp"}},
       {}},
      {"a map that may exempt",
       partner_rule,
       recipients(exempt + ", " + map + policy_check("smtp")),
       {{"smtp"}},
       {"note map-decides main.cf: smtpd_data_restrictions"}},
      {"maps that differ may name a class",
       partner_rule,
       {{"smtpd_restriction_classes", "danegate"},
        {"danegate", policy_check("smtp")},
        {"smtpd_recipient_restrictions", "check_sender_access hash:/x"},
        {"smtpd_data_restrictions", ""}},
       {{"smtp"}},
       {"note map-decides main.cf: smtpd_data_restrictions"}},
  });
  CHECK(fixes_of({"", partner_rule, data(""), {{"smtp"}}, {}}) ==
        std::vector<std::string>{"smtpd_data_restrictions = " + exempt + ", " + policy_check("smtp")});
  CHECK(fixes_of({"", partner_rule, data("reject_unauth_pipelining, " + policy_check("smtp")), {{"smtp"}}, {}}) ==
        std::vector<std::string>{"smtpd_data_restrictions = " + exempt + ", reject_unauth_pipelining, " +
                                 policy_check("smtp")});
}

} // namespace danegate::ctl
