// What is said of what DNS said, and the exit codes.
#include "daemon/ctl/lookup_report.h"

#include "daemon/tls/hash.h"
#include "tests/policy/decisions.h"

#include <nlohmann/json.hpp>

namespace danegate::ctl {

namespace {

using Json = nlohmann::json;
using policy::name;
using policy::record;

constexpr std::chrono::sys_seconds now{std::chrono::seconds(1'800'000'000)}; // 2027-01-15T08:00:00Z

const std::string ab32 = [] {
  std::string hex;
  for (int i = 0; i < 32; ++i)
    hex += "ab";
  return hex;
}();

LookupAnswer found(core::TlsaOutcome outcome, std::optional<std::chrono::sys_seconds> end = {}) {
  LookupAnswer made{
      {{name("_smtp-client.mta1.acme.example"), {{}, name("mta1.acme.example")}}, {"smtp: _smtp-client.{helo}"}},
      std::make_shared<const core::TlsaAnswer>(
          core::TlsaAnswer{std::move(outcome), std::chrono::seconds(300), false, end}),
      {}};
  if (const auto* const secure = std::get_if<core::Secure>(&made.answer->outcome))
    made.usability = usability(*secure, made.name.name.owner, tls::hash);
  return made;
}

LookupReport report(std::vector<LookupAnswer> answers) {
  return {"mta1.acme.example", std::move(answers), 2, now};
}

std::string text(LookupAnswer answer) {
  return lookup_as_text(report({std::move(answer)}), Style());
}

core::Secure secure(std::vector<core::TlsaRecord> records, core::Wildcard wildcard = core::Wildcard::none) {
  return {std::move(records), 0, wildcard};
}

} // namespace

TEST_CASE("Each answer has its exit code", "[ctl]") {
  struct Case {
    const char* state;
    core::TlsaOutcome outcome;
    int code;
  };

  for (const auto& each : {Case{"records", secure({record(3, 1, 1, 32)}), 0},
                           {"absent", core::Absent{}, 1},
                           {"insecure", core::Insecure{}, 2},
                           {"bogus", core::Bogus{"signature"}, 3},
                           {"unusable", secure({record(2, 1, 1, 32)}), 4},
                           {"failed", core::Failed{core::FailureKind::timeout, "no answer"}, 75},
                           {"failed", secure({record(3, 1, 1, 32), record(3, 1, 1, 32), record(3, 0, 1, 32)}), 75}}) {
    INFO(each.state);
    const auto state = state_of(report({found(each.outcome)}));
    CHECK(token(state) == each.state);
    CHECK(exit_code(state) == each.code);
  }
}

TEST_CASE("Several answers: records first, then doubt", "[ctl]") {
  const auto good = found(secure({record(3, 1, 1, 32)}));
  const auto useless = found(secure({record(2, 1, 1, 32)}));
  const auto absent = found(core::Absent{});
  const auto insecure = found(core::Insecure{});
  const auto bogus = found(core::Bogus{"x"});
  const auto failed = found(core::Failed{core::FailureKind::timeout, "x"});
  CHECK(state_of(report({absent, failed, good})) == LookupState::records);
  CHECK(state_of(report({absent, bogus, failed, useless})) == LookupState::failed);
  CHECK(state_of(report({absent, bogus, useless})) == LookupState::bogus);
  CHECK(state_of(report({absent, insecure, useless})) == LookupState::unusable);
  CHECK(state_of(report({absent, insecure})) == LookupState::insecure);
}

TEST_CASE("Text: a record, until when, for whom", "[ctl]") {
  CHECK(text(found(secure({record(3, 1, 1, 32)}), now + std::chrono::days(3))) ==
        "_smtp-client.mta1.acme.example\n"
        "    smtp: _smtp-client.{helo}\n"
        "  secure, ttl 300, signatures end 2027-01-18T08:00:00Z, in 3 days\n"
        "    3 1 1 " +
            ab32 +
            "\n"
            "      usable: Postfix, Postfix (raw key), Exim\n"
            "      unusable: Sendmail\n"
            "        selector 1 needs the key's digest, which the mail server does not send\n");
}

TEST_CASE("Text: everything else", "[ctl]") {
  struct Case {
    const char* label;
    LookupAnswer answer;
    const char* part;
  };

  for (const auto& each :
       {Case{"expired", found(secure({}), now - std::chrono::hours(1)), "signatures ended 2027-01-15T07:00:00Z"},
        {"wildcard", found(secure({}, core::Wildcard::below_underscore)), "by a wildcard below an underscore label"},
        {"web wildcard", found(secure({}, core::Wildcard::other)), "  but: made by a wildcard that does not"},
        {"too many", found(secure({record(3, 1, 1, 32), record(3, 1, 1, 32), record(3, 0, 1, 32)})),
         "  but: more records than limits.records-per-name"},
        {"malformed", found(core::Secure{{}, 2, core::Wildcard::none}), "ttl 300, 2 malformed"},
        {"full data is cut", found(secure({record(3, 0, 0, 65)})), "ab...\n"},
        {"absent", found(core::Absent{}), "absent, ttl 300: DNS proves that there is no record"},
        {"insecure", found(core::Insecure{}), "insecure, ttl 300: the zone is not signed"},
        {"bogus", found(core::Bogus{"a\nb"}), "  bogus: a\\x0ab\n"},
        {"failed", found(core::Failed{core::FailureKind::timeout, "no answer"}), "  failed: no answer\n"}}) {
    INFO(each.label << '\n' << text(each.answer));
    CHECK(text(each.answer).contains(each.part));
  }
}

TEST_CASE("Colour is in the words of state only", "[ctl]") {
  const auto coloured = lookup_as_text(report({found(core::Absent{})}), Style::coloured());
  CHECK(coloured.contains("\x1b[33mabsent\x1b[0m, ttl 300"));
}

TEST_CASE("JSON: every key, always", "[ctl]") {
  const auto object = Json::parse(lookup_as_json(
      report({found(secure({record(3, 1, 1, 32)}), now + std::chrono::days(1)), found(core::Bogus{"\xff"})})));
  CHECK(object["name"] == "mta1.acme.example");
  CHECK(object["state"] == "records");
  REQUIRE(object["answers"].size() == 2);
  const auto& good = object["answers"][0];
  CHECK(good["owner"] == "_smtp-client.mta1.acme.example");
  CHECK(good["identity"] == "mta1.acme.example");
  CHECK(good["from"] == Json::array({"smtp: _smtp-client.{helo}"}));
  CHECK(good["state"] == "secure");
  CHECK(good["ttl"] == 300);
  CHECK(good["signatures_end"] == "2027-01-16T08:00:00Z");
  CHECK(good["signatures_left"] == 86400);
  CHECK(good["wildcard"] == "none");
  const auto& one = good["records"][0];
  CHECK(one["record"] == "3 1 1 " + ab32);
  CHECK(one["data"] == ab32);
  CHECK(one["unusable"]["postfix"] == "");
  CHECK(one["unusable"]["sendmail"] != "");
  const auto& bad = object["answers"][1];
  CHECK(bad["state"] == "bogus");
  CHECK(bad["why"] == "\xef\xbf\xbd");
  CHECK(bad["ttl"].is_null());
  CHECK(bad["signatures_end"].is_null());
  CHECK(bad["records"].empty());
  CHECK(good.size() == bad.size());
}

} // namespace danegate::ctl
