// What people see of the daemon's JSON.
#include "daemon/ctl/status_text.h"

#include "tests/support/catch.h"

#include <sstream>

using namespace danegate::ctl;

TEST_CASE("Durations have their two largest units", "[ctl]") {
  CHECK(duration_text(0) == "0 s");
  CHECK(duration_text(59) == "59 s");
  CHECK(duration_text(60) == "1 min 0 s");
  CHECK(duration_text(3723) == "1 h 2 min");
  CHECK(duration_text(86400) == "1 d 0 h");
  CHECK(duration_text(86400 * 400 + 3600 * 5 + 59) == "400 d 5 h");
}

TEST_CASE("A status, for people", "[ctl]") {
  CHECK(status_as_text(R"({"version":"0.1.0","pid":7,"started":"2026-11-22T06:21:47.416Z","uptime":3723,)"
                       R"("configuration":"/etc/danegate/danegate.toml","last_reload":null,)"
                       R"("listeners":["unix:/p","inet:127.0.0.1:1"],"milter":"unix:/m","policy_connections":1,)"
                       R"("milter_messages":0,"verdicts":{"total":3,"by_result":{"pass":2,"none":1,"fail":0},)"
                       R"("by_action":{"tag":3,"reject":0}},"lookups":{"claims":0,"roster":4},"cached_answers":12,)"
                       R"("roster":{"names":2,"secure":1,"absent":0,"insecure":0,"unresolved":1,)"
                       R"("soonest_signature_end":"2026-12-01T00:00:00.000Z"},)"
                       R"("held_off":[{"domain":"acme.example","since":"x","seconds":61,"next_probe":3,"refused":8,)"
                       R"("why":"timeout"},{"domain":"beta.example","seconds":5,"next_probe":null,"refused":1,)"
                       R"("why":"\u001b[31m"}],"overloads":{"limits.lookups":0,"limits.requeries":5}})",
                       Style()) ==
        "danegated 0.1.0, process 7, up 1 h 2 min since 2026-11-22T06:21:47.416Z\n"
        "configuration  /etc/danegate/danegate.toml\n"
        "last reload    none since the start\n"
        "listening      unix:/p\n"
        "               inet:127.0.0.1:1\n"
        "               milter unix:/m\n"
        "at work        1 policy connection, 0 messages in the milter\n"
        "verdicts       3: pass 2, none 1\n"
        "actions        tag 3\n"
        "lookups now    roster 4\n"
        "cache          12 answers\n"
        "roster         2 names: 1 secure, 0 absent, 0 insecure, 1 unresolved\n"
        "               signatures end from 2026-12-01T00:00:00.000Z on\n"
        "held off       acme.example: for 1 min 1 s, 8 lookups refused, asked again in 3 s: timeout\n"
        "               beta.example: for 5 s, 1 lookup refused, is being asked now: \\x1b[31m\n"
        "bounds met     limits.requeries 5\n");
}

TEST_CASE("A status of a daemon that has nothing to say, or says it differently", "[ctl]") {
  for (const auto* const json :
       {"{}", "[]", "", "nonsense", R"({"verdicts":7,"held_off":"x","roster":[],"pid":"y"})"}) {
    INFO(json);
    const auto text = status_as_text(json, Style());
    CHECK(text.starts_with("danegated "));
    CHECK(text.contains("\nverdicts       0: none\n"));
    CHECK(text.contains("\nroster         no identity is named in full\n"));
  }
  CHECK(status_as_text(R"({"last_reload":{"ok":true,"time":"T"}})", Style()).contains("last reload    T, ok\n"));
  CHECK(status_as_text(R"({"last_reload":{"ok":false,"time":"T","errors":["a:1:1: x","a:2:1: y"]}})", Style())
            .contains("last reload    T, REFUSED, the configuration of before is in force\n"
                      "               a:1:1: x\n"
                      "               a:2:1: y\n"));
}

TEST_CASE("A status in colour: what wants a look", "[ctl]") {
  struct Row {
    const char* label;
    const char* json;
    const char* line;
  };

  const Row rows[]{
      {"a reload", R"({"last_reload":{"ok":true,"time":"T"}})", "T, \x1b[32mok\x1b[0m\n"},
      {"a refused one", R"({"last_reload":{"ok":false,"time":"T"}})", "T, \x1b[31mREFUSED\x1b[0m, the configuration"},
      {"a name that is not known", R"({"roster":{"names":3,"secure":2,"absent":0,"insecure":0,"unresolved":1}})",
       "3 names: \x1b[32m2 secure\x1b[0m, 0 absent, 0 insecure, \x1b[33m1 unresolved\x1b[0m\n"},
      {"none", R"({"roster":{"names":1,"secure":0,"absent":1,"insecure":0,"unresolved":0}})",
       "1 name: 0 secure, 1 absent, 0 insecure, 0 unresolved\n"},
      {"a domain that is held off", R"({"held_off":[{"domain":"a.\u001b[32m"}]})",
       "held off       \x1b[33ma.\\x1b[32m\x1b[0m: for "},
      {"no domain", R"({"held_off":[]})", "held off       no domain\n"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    CHECK(status_as_text(row.json, Style::coloured()).contains(row.line));
  }
}

TEST_CASE("What is stored, for people", "[ctl]") {
  CHECK(cache_as_text(R"({"entries":1,"roster":2})") == "1 answer in the cache, 2 names in the roster\n");
  CHECK(cache_as_text(R"({"name":"_c.x.example","cache":null,"roster":null})") ==
        "_c.x.example\ncache          nothing\n");
  CHECK(cache_as_text(R"({"name":"_c.x.example","cache":{"state":"secure","ttl":3600,"why":"","remaining":60,)"
                      R"("signatures_end":"E","records":[{"usage":3,"selector":1,"matching":1,"data":"ab"}]},)"
                      R"("roster":{"state":"unresolved"}})") ==
        "_c.x.example\n"
        "cache          secure, ttl 3600, serves for 60 s, signatures end E\n"
        "               3 1 1 ab\n"
        "roster         unresolved\n");
  CHECK(cache_as_text(R"({"name":"n","cache":{"state":"failed","ttl":null,"why":"timeout","remaining":3,)"
                      R"("signatures_end":null,"records":[]},"roster":null})") ==
        "n\ncache          failed, serves for 3 s: timeout\n");
  CHECK(flushed_as_text(R"({"flushed":1,"roster":0})") ==
        "1 answer forgotten; 0 names of the roster are asked for anew\n");
}

TEST_CASE("A reload, for people", "[ctl]") {
  std::ostringstream out;
  std::ostringstream err;
  tell_reload(R"({"ok":true,"errors":[],"warnings":["a.toml:9:1: unreachable rule"]})", out, err);
  CHECK(out.str() == "reloaded\n");
  CHECK(err.str() == "warning: a.toml:9:1: unreachable rule\n");
  out.str("");
  err.str("");
  tell_reload(R"({"ok":false,"errors":["a.toml:3:7: expected a string"],"warnings":[]})", out, err);
  CHECK(out.str().empty());
  CHECK(err.str() == "a.toml:3:7: expected a string\n"
                     "danegate: the configuration is refused; the one of before stays in force\n");
}
