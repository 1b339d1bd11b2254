// Postfix's restriction lists: words, braces, arguments, classes.
#include "daemon/ctl/restrictions.h"

#include "tests/support/catch.h"

#include <map>

namespace danegate::ctl {

namespace {

std::vector<std::string> texts(const Restrictions& list) {
  std::vector<std::string> result;
  for (const auto& each : list)
    result.push_back(each.text());
  return result;
}

ParameterValue from(const std::map<std::string, std::string>& values) {
  return [&values](std::string_view name) -> std::string_view {
    const auto found = values.find(std::string(name));
    return found == values.end() ? std::string_view() : std::string_view(found->second);
  };
}

} // namespace

TEST_CASE("Lists are words with commas or blanks between, braces keep them together", "[ctl]") {
  using Words = std::vector<std::string>;
  CHECK(split_list("").empty());
  CHECK(split_list(" , ,").empty());
  CHECK(split_list("a,b c\t,d") == Words{"a", "b", "c", "d"});
  CHECK(split_list("a { b, { c = d e } }, f") == Words{"a", "{ b, { c = d e } }", "f"});
  CHECK(split_list("inline:{a=b, c=d} x") == Words{"inline:{a=b, c=d}", "x"});
  CHECK(split_list("{ never, closed") == Words{"{ never, closed"});
  CHECK(split_list("} a") == Words{"}", "a"});
}

TEST_CASE("Restrictions take their arguments, and classes unfold", "[ctl]") {
  const std::map<std::string, std::string> values{
      {"smtpd_restriction_classes", "one, two loop"},
      {"one", "check_policy_service unix:danegate/policy, two"},
      {"two", "reject_rbl_client zen.example"},
      {"loop", "loop permit"},
      {"list", "permit_mynetworks, check_client_access hash:/x, warn_if_reject one, sleep 1 Reject"},
      {"looping", "loop"},
      {"cut", "check_policy_service"}};
  const auto list = unfold("list", from(values));
  CHECK(texts(list) == std::vector<std::string>{"permit_mynetworks", "check_client_access hash:/x",
                                                "warn_if_reject check_policy_service unix:danegate/policy",
                                                "warn_if_reject reject_rbl_client zen.example", "sleep 1", "Reject"});
  CHECK(list[0].holder == "list");
  CHECK(list[2].holder == "one");
  CHECK(list[3].holder == "two");
  CHECK(list[5].is_unconditional());
  CHECK(unfold("looping", from(values)).size() <= 2 * max_class_depth);
  CHECK(texts(unfold("cut", from(values))) == std::vector<std::string>{"check_policy_service"});
  CHECK(join(unfold("one", from(values))) ==
        "check_policy_service unix:danegate/policy, reject_rbl_client zen.example");
}

TEST_CASE("Classes are bounded, also those that hold nothing but each other", "[ctl]") {
  std::map<std::string, std::string> values{{"smtpd_restriction_classes", "c0 c1 c2 c3 c4 c5 c6 c7"}, {"c7", ""}};
  for (std::size_t i = 0; i < 7; ++i)
    for (int k = 0; k < 100; ++k)
      values["c" + std::to_string(i)] += "c" + std::to_string(i + 1) + ' ';
  CHECK(unfold("c0", from(values)).empty());
  values["c7"] = "permit";
  CHECK(unfold("c0", from(values)).size() <= max_restrictions);
  values["smtpd_restriction_classes"].clear();
  CHECK(unfold("c0", from(values)).size() == 100);
}

TEST_CASE("What a restriction does", "[ctl]") {
  struct Row {
    Restriction restriction;
    bool map;
    bool unconditional;
    bool refuses_relay;
    bool recipients;
  };

  const std::vector<Row> rows{
      {{"permit", "", "", false}, false, true, false, false},
      {{"DEFER", "", "", false}, false, true, true, false},
      {{"reject", "", "", true}, false, false, false, false},
      {{"permit", "", "", true}, false, true, false, false},
      {{"reject_unauth_destination", "", "", false}, false, false, true, true},
      {{"defer_unauth_destination", "", "", true}, false, false, false, true},
      {{"permit_mynetworks", "", "", false}, false, false, false, false},
      {{"permit_auth_destination", "", "", false}, false, false, false, true},
      {{"check_sender_access", "hash:/x", "", false}, true, false, false, false},
      {{"check_recipient_access", "hash:/x", "", false}, true, false, false, true},
      {{"hash:/x", "", "", false}, true, false, false, false},
      {{"check_policy_service", "unix:x", "", false}, false, false, false, false},
  };
  for (const auto& row : rows) {
    INFO(row.restriction.text());
    CHECK(row.restriction.is_map() == row.map);
    CHECK(row.restriction.is_unconditional() == row.unconditional);
    CHECK(row.restriction.refuses_relay() == row.refuses_relay);
    CHECK(row.restriction.is_about_recipients() == row.recipients);
  }
}

TEST_CASE("Endpoints with options, and back", "[ctl]") {
  const auto full = Endpoint::parse("{ unix:danegate/policy, timeout=10s, { default_action = 451 4.3.5 Later }, "
                                    "policy_context=smtp }");
  CHECK(full.address == "unix:danegate/policy");
  CHECK(full.options == std::map<std::string, std::string, std::less<>>{
                            {"timeout", "10s"}, {"default_action", "451 4.3.5 Later"}, {"policy_context", "smtp"}});
  CHECK(Endpoint::parse(full.text()).options == full.options);
  CHECK(Endpoint::parse(full.text()).address == full.address);
  const auto plain = Endpoint::parse("inet:127.0.0.1:10044");
  CHECK(plain.address == "inet:127.0.0.1:10044");
  CHECK(plain.options.empty());
  CHECK(Endpoint::parse("").address.empty());
  CHECK(Endpoint::parse("{ }").address.empty());
  CHECK(Endpoint::parse("{ unix:x, no equals, {a = } }").options ==
        std::map<std::string, std::string, std::less<>>{{"a", ""}});
}

} // namespace danegate::ctl
