// What the control socket answers, over a real authenticator and whatever the test says of the rest.
#include "daemon/service/control.h"

#include "daemon/service/status.h"
#include "tests/service/authenticator_bench.h"
#include "tests/service/captured_log.h"
#include "tests/support/catch.h"

#include <nlohmann/json.hpp>

#include <stdexcept>

using namespace danegate;
using namespace danegate::test;
using Json = nlohmann::json;
using service::HttpReply;
using service::HttpRequest;

namespace {

struct House {
  HttpReply ask(const std::string& method, const std::string& path, const std::string& query = "") {
    std::optional<HttpReply> reply;
    control.handle({method, path, query, "body"}, [&](HttpReply given) { reply = std::move(given); });
    REQUIRE(reply);
    return *reply;
  }

  static Json json(const HttpReply& reply) {
    CHECK(reply.type == "application/json");
    CHECK(reply.body.ends_with("}\n"));
    return Json::parse(reply.body);
  }

  Bench bench;
  service::CapturedLog log;
  service::ReloadReport report{};
  std::vector<HttpRequest> explained;
  service::Control control{{.status = [] { return std::string("{}\n"); },
                            .authenticator = bench.authenticator(),
                            .reload = [this](const service::ReloadDone& done) { done(report); },
                            .explain =
                                [this](HttpRequest request, const service::HttpAnswer& answer) {
                                  explained.push_back(std::move(request));
                                  answer({.body = "{}\n"});
                                },
                            .to_ascii = real_ports().to_ascii},
                           log.log};
};

} // namespace

TEST_CASE("control: what it does not know, or not so, is an error in words") {
  struct Row {
    const char* label;
    const char* method;
    const char* path;
    const char* query;
    unsigned status;
    const char* words;
  };

  const Row rows[]{
      {"no such path", "GET", "/stat", "", 404, "there is no /stat here"},
      {"root", "GET", "/", "", 404, "there is no / here"},
      {"a flush that only looks", "GET", "/cache/flush", "", 405, "/cache/flush takes POST"},
      {"a status that is posted", "POST", "/status", "", 405, "/status takes GET"},
      {"a reload that only looks", "GET", "/reload", "", 405, "/reload takes POST"},
      {"status with a parameter", "GET", "/status", "x=1", 400, "/status takes no parameter"},
      {"reload with a parameter", "POST", "/reload", "x=1", 400, "/reload takes no parameter"},
      {"a mistyped parameter", "POST", "/cache/flush", "nmae=a.example", 400, "unknown parameter \"nmae\""},
      {"an empty name", "POST", "/cache/flush", "name=", 400, "expected an owner name, found \"\""},
      {"no name at all", "GET", "/cache", "name=a..b", 400, "expected an owner name, found \"a..b\""},
      {"broken escape", "GET", "/cache", "name=%zz", 400, "expected two hexadecimal digits"},
  };
  House house;
  for (const Row& row : rows) {
    INFO(row.label);
    const auto reply = house.ask(row.method, row.path, row.query);
    CHECK(reply.status == row.status);
    CHECK(House::json(reply).at("error").get<std::string>().starts_with(row.words));
  }
  CHECK(house.bench.dns->forgotten.empty());
  CHECK(house.log.lines().empty());
}

TEST_CASE("control: what is stored about a name, and how much") {
  House house;
  house.bench.ask();
  house.bench.finish(0, matching());
  CHECK(House::json(house.ask("GET", "/cache")) == Json{{"entries", 1}, {"roster", 0}});
  const auto stored = House::json(house.ask("GET", "/cache", "name=" + std::string(helo_owner)));
  CHECK(stored.at("name") == helo_owner);
  CHECK(stored.at("roster").is_null());
  const auto& cached = stored.at("cache");
  CHECK(cached.at("state") == "secure");
  CHECK(cached.at("remaining").get<int>() > 0);
  CHECK(cached.at("records").size() == 1);
  CHECK(cached.at("records")[0].at("usage") == 3);
  CHECK(cached.at("signatures_end").is_null());
  CHECK(House::json(house.ask("GET", "/cache", "name=_smtp-client.unknown.example")).at("cache").is_null());
}

TEST_CASE("control: a flush of one name, of one that is not there, of all") {
  House house;
  house.bench.ask();
  house.bench.finish(0, matching());
  CHECK(House::json(house.ask("POST", "/cache/flush", "name=_smtp-client.x.example")).at("flushed") == 0);
  CHECK(House::json(house.ask("POST", "/cache/flush", "name=" + std::string(helo_owner))).at("flushed") == 1);
  CHECK(House::json(house.ask("POST", "/cache/flush")).at("flushed") == 0);
  CHECK(house.bench.dns->forgotten == std::vector<std::string>{"_smtp-client.x.example", helo_owner, "*"});
  const auto lines = house.log.lines();
  REQUIRE(lines.size() == 3);
  CHECK(lines[1].contains("event=cache-flushed"));
  CHECK(lines[1].contains(std::string("name=") + helo_owner + " entries=1"));
}

TEST_CASE("control: a reload says what came of it") {
  House house;
  house.report.warnings = {"a.toml:9:1: unreachable rule"};
  auto reply = house.ask("POST", "/reload");
  CHECK(reply.status == 200);
  CHECK(House::json(reply).at("ok") == true);
  CHECK(House::json(reply).at("warnings")[0] == "a.toml:9:1: unreachable rule");
  house.report = {.errors = {"a.toml:3:7: expected a string", "a.toml:4:1: unknown setting"}};
  reply = house.ask("POST", "/reload");
  CHECK(reply.status == 422);
  CHECK(House::json(reply).at("ok") == false);
  CHECK(House::json(reply).at("errors").size() == 2);
}

TEST_CASE("control: explanations are somebody else's, status is as it comes") {
  House house;
  CHECK(house.ask("GET", "/status").body == "{}\n");
  house.ask("POST", "/explain", "as=text");
  REQUIRE(house.explained.size() == 1);
  CHECK(house.explained[0].body == "body");
  CHECK(house.explained[0].query == "as=text");
}

TEST_CASE("status: every figure is where it belongs, as JSON") {
  boost::asio::io_context loop;
  service::CapturedLog log;
  service::Overloads overloads(loop, log.log);
  overloads.note_told(service::Bound::records_per_name);
  service::VerdictTotals verdicts;
  core::Decision decision;
  decision.outcome.reason = core::Reason::mismatch;
  decision.outcome.action = core::Action::reject;
  verdicts.note(decision);
  decision.outcome.mode = core::Mode::monitor; // a service that watches: nothing is done
  verdicts.note(decision);

  service::Status status{
      .version = "1.2", .pid = 7, .configuration = "/c", .verdicts = verdicts, .overloads = overloads};
  auto json = Json::parse(as_json(status));
  CHECK(json.at("last_reload").is_null());
  CHECK(json.at("roster").at("soonest_signature_end").is_null());
  CHECK(json.at("held_off") == Json::array());
  CHECK(json.at("verdicts").at("total") == 2);
  CHECK(json.at("verdicts").at("by_result").at("fail") == 2);
  CHECK(json.at("verdicts").at("by_result").at("pass") == 0);
  CHECK(json.at("verdicts").at("by_action").at("reject") == 1);
  CHECK(json.at("verdicts").at("by_action").at("tag") == 1);
  CHECK(json.at("overloads").at("limits.records-per-name") == 1);
  CHECK(json.at("overloads").at("limits.lookups") == 0);

  status.started = std::chrono::system_clock::time_point{std::chrono::seconds{1790000000}};
  status.uptime = 90s;
  status.last_reload = service::ReloadReport{.time = status.started, .errors = {"a.toml:1:1: \xFF"}};
  status.listeners = {"unix:/p", "inet:[::1]:10044"};
  status.milter = "unix:/m";
  status.policy_connections = 3;
  status.milter_messages = 4;
  status.lookups = {.claims = 1, .requeries = 2, .roster = 3, .probes = 4};
  status.cached_answers = 5;
  status.roster_names = 10;
  status.roster = {.secure = 6, .absent = 1, .insecure = 1, .unresolved = 2};
  status.soonest_signature_end = std::chrono::sys_seconds{1790000001s};
  status.held_off = {{dns_name("acme.example"), failed(FailureKind::timeout), 60s, 3s, 8},
                     {dns_name("beta.example"), bogus(), 5s, std::nullopt, 0}};
  json = Json::parse(as_json(status));
  CHECK(json.at("started") == "2026-09-21T14:13:20.000Z");
  CHECK(json.at("uptime") == 90);
  CHECK(json.at("last_reload").at("ok") == false);
  CHECK(json.at("last_reload").at("errors").size() == 1);
  CHECK(json.at("listeners").size() == 2);
  CHECK(json.at("milter") == "unix:/m");
  CHECK(json.at("policy_connections") == 3);
  CHECK(json.at("milter_messages") == 4);
  CHECK(json.at("lookups") == Json{{"claims", 1}, {"requeries", 2}, {"roster", 3}, {"probes", 4}});
  CHECK(json.at("cached_answers") == 5);
  CHECK(json.at("roster").at("names") == 10);
  CHECK(json.at("roster").at("unresolved") == 2);
  CHECK(json.at("roster").at("soonest_signature_end") == "2026-09-21T14:13:21.000Z");
  CHECK(json.at("held_off")[0].at("domain") == "acme.example");
  CHECK(json.at("held_off")[0].at("next_probe") == 3);
  CHECK(json.at("held_off")[0].at("refused") == 8);
  CHECK(json.at("held_off")[1].at("next_probe").is_null());
}
