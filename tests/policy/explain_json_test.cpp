// What programs see of a verdict: one object a line, always with the same keys.
#include "tests/policy/decisions.h"

#include <algorithm>

namespace danegate::policy {

namespace {

std::string answer_json(const core::Decision& made) {
  const auto text = explain_as_json(explanation(made));
  const auto from = text.find("\"answer\":");
  return text.substr(from, text.rfind("}]}") - from);
}

} // namespace

TEST_CASE("A pass with everything, as JSON", "[policy]") {
  std::string data;
  for (int i = 0; i < 32; ++i)
    data += "ab";
  CHECK(
      explain_as_json(explanation(decision())) ==
      R"({"result":"pass","reason":"match","detail":"","action":"tag","rule":"acme","mode":"enforce",)"
      R"("identity":"mta1.acme.example","owner":"_smtp-client.mta1.acme.example","dnssec":"secure","service":"smtp",)"
      R"("reply":"DUNNO","note":"","state":"RCPT","monitored":[{"result":"policy","reason":"not-allowed","detail":"",)"
      R"("action":"reject","rule":"watch","mode":"monitor","identity":"mta1.acme.example",)"
      R"("owner":"_smtp-client.mta1.acme.example","dnssec":"secure"}],"names":[)"
      R"({"owner":"_smtp-client.mta1.acme.example","identity":"mta1.acme.example","from":"_smtp-client.{helo}",)"
      R"("no_name":"","duplicate":false,"listed":true,"cached":true,"requeried":false,"answer":{"state":"secure",)"
      R"("ttl":300,"why":"","wildcard":"below-underscore","malformed":1,"records":[)"
      R"({"usage":1,"selector":0,"matching":1,"data":")" +
          data +
          R"(","usable":false,"why":"wants the certificate","matches":false},)"
          R"({"usage":3,"selector":1,"matching":1,"data":")" +
          data +
          R"(","usable":true,"why":"","matches":true}]}},)"
          R"({"owner":"","identity":"","from":"_smtp-client.{subject}","no_name":"empty or unknown","duplicate":false,)"
          R"("listed":false,"cached":false,"requeried":false,"answer":null},)"
          R"({"owner":"_smtp-client.host.example","identity":"host.example","from":"_smtp-client.{client}","no_name":"",)"
          R"("duplicate":false,"listed":false,"cached":false,"requeried":false,"answer":null}]})"
          "\n");
}

TEST_CASE("Each state of an answer, as JSON", "[policy]") {
  using core::Reason;

  struct Row {
    const char* label;
    core::Decision made;
    std::string expected;
  };

  const core::MatchOutcome unusable{
      core::MatchVerdict::unusable, {}, "no digest", {{core::RecordVerdict::unusable, "no digest"}}};
  const std::string nothing = R"(,"wildcard":"none","malformed":0,"records":[]})";
  const std::vector<Row> rows{
      {"absent", decision_with(answer(core::Absent{}, 60), {}, Reason::no_record),
       R"({"state":"absent","ttl":60,"why":"")" + nothing},
      {"insecure", decision_with(answer(core::Insecure{}, 61), {}, Reason::insecure),
       R"({"state":"insecure","ttl":61,"why":"")" + nothing},
      {"bogus", decision_with(answer(core::Bogus{"a \"reason\"\xff"}, 62), {}, Reason::bogus),
       "{\"state\":\"bogus\",\"ttl\":null,\"why\":\"a \\\"reason\\\"\xef\xbf\xbd\"" + nothing},
      {"failed", decision_with(answer(core::Failed{core::FailureKind::timeout, "late"}, 63), {}, Reason::dns_timeout),
       R"({"state":"failed","ttl":null,"why":"late")" + nothing},
      {"unusable",
       decision_with(answer(core::Secure{{record(2, 0, 0, 1)}, 0, core::Wildcard::other}, 64), unusable,
                     Reason::unusable),
       R"({"state":"secure","ttl":64,"why":"no digest","wildcard":"other","malformed":0,"records":[{"usage":2,"selector":0,)"
       R"("matching":0,"data":"ab","usable":false,"why":"no digest","matches":false}]})"},
      {"not judged",
       decision_with(answer(core::Secure{{record(3, 1, 0, 1)}, 0, core::Wildcard::none}, 65), {}, Reason::overload),
       R"({"state":"secure","ttl":65,"why":"","wildcard":"none","malformed":0,"records":[{"usage":3,"selector":1,"matching":0,)"
       R"("data":"ab","usable":false,"why":"not judged","matches":false}]})"},
      {"not looked up", decision_with(nullptr, {}, Reason::overload), "null"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    CHECK(answer_json(row.made) == "\"answer\":" + row.expected);
  }
}

TEST_CASE("No verdict: the same keys, empty, in one line", "[policy]") {
  auto explained = explanation(decision());
  explained.decision.reset();
  explained.state = "CONNECT\xff\n";
  explained.service = "";
  explained.note = "no verdict";
  const auto text = explain_as_json(explained);
  CHECK(text ==
        R"({"result":"","reason":"","detail":"","action":"","rule":"","mode":"","identity":"","owner":"","dnssec":"",)"
        R"("service":"","reply":"DUNNO","note":"no verdict","state":"CONNECT)"
        "\xef\xbf\xbd\\n\",\"monitored\":[],\"names\":[]}\n");
  CHECK(std::ranges::count(text, '\n') == 1);
}

} // namespace danegate::policy
