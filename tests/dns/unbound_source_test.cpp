#include "daemon/dns/unbound_source.h"

#include "tests/dns/unbound_stage.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

using namespace danegate;
using namespace danegate::test;

namespace {

const std::string one = "_smtp-client.one.partner.example";
const std::string plain = "_smtp-client.mta.unsigned.example";

} // namespace

TEST_CASE("UnboundSource: a signed world, as NSD serves it and libunbound judges it") {
  const std::map<std::string, std::string> expected{
      {one, "secure"},
      {"_smtp-client.alias.partner.example", "secure"},
      {"printer._device.partner.example", "secure"},
      {"_smtp-client.nothing.partner.example", "absent"},
      {"_smtp-client.text.nsec3.example", "absent"},
      {"_smtp-client.nothing.optout.example", "absent"}, // its zone's SOA was asked for, and is secure
      {"_smtp-client.nothing.optisland.example", "insecure"},
      {plain, "insecure"},
      {"_smtp-client.mta.expired.example", "bogus"},
      {"_smtp-client.mta.future.example", "bogus"},
      {"_smtp-client.mta.broken.example", "bogus"},
  };
  Stage stage;
  stage.start();
  std::map<std::string, std::string> found;
  for (const auto& [owner, state] : expected)
    stage.source->resolve(
        name(owner), Freshness::any, [&, owner](const core::AnswerPtr& answer) { found[owner] = word(*answer); },
        nullptr);
  CHECK(found.empty()); // never inside resolve()
  stage.run_until([&] { return found.size() == expected.size(); });
  for (const auto& [owner, state] : expected) {
    INFO(owner);
    CHECK(found[owner] == state);
  }
  CHECK(stage.source->in_flight() == 0);
}

TEST_CASE("UnboundSource: servers that answer with an error, with garbage, or not at all") {
  struct Row {
    const char* what;
    Conduct conduct;
    std::chrono::milliseconds timeout;
    std::string told; ///< empty: either kind of failure
  };

  const Row rows[] = {
      {"SERVFAIL", Conduct::servfail, 15s, "SERVFAIL: no usable answer from the zone's servers"},
      {"REFUSED", Conduct::refused, 15s, "SERVFAIL: no usable answer from the zone's servers"},
      {"garbage", Conduct::garbage, 200ms, ""},
      {"silence", Conduct::is_silent, 200ms, "timeout"},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Stage stage(row.conduct);
    stage.settings.timeout = row.timeout;
    stage.start();
    stage.ask(one);
    stage.run_until_told(1);
    CHECK(core::state_of(*stage.told[0]) == "failed");
    if (!row.told.empty()) CHECK(word(*stage.told[0]) == row.told);
  }
}

TEST_CASE("UnboundSource: ten equal lookups are one") {
  Stage stage(Conduct::holds);
  stage.start();
  for (int i = 0; i < 10; ++i)
    stage.ask(one);
  CHECK(stage.source->in_flight() == 1);
  stage.run_until([&] { return stage.authority.tlsa_questions(one) > 0; });
  CHECK(stage.told.empty());
  CHECK(stage.source->in_flight() == 1);
  stage.authority.release();
  stage.run_until_told(10);
  CHECK(stage.told.size() == 10);
  CHECK(stage.source->in_flight() == 0);
  for (const auto& answer : stage.told)
    CHECK(answer == stage.told[0]); // the very same object
}

TEST_CASE("UnboundSource: told that time is up, while slot and lease stay; the late answer is delivered") {
  Stage stage(Conduct::holds);
  stage.settings.timeout = 50ms;
  stage.start();
  std::vector<std::string> late;
  stage.source->set_late_answer_handler([&](const core::DnsName& owner, const core::AnswerPtr& answer) {
    late.push_back(owner.text() + " " + word(*answer));
  });
  auto lease = std::make_shared<int>(0);
  const std::weak_ptr<int> held = lease;
  stage.ask(one, Freshness::any, std::move(lease));
  stage.run_until_told(1);
  CHECK(word(*stage.told[0]) == "timeout");
  CHECK(stage.source->in_flight() == 1);
  CHECK_FALSE(held.expired());
  stage.run_until([&] { return stage.authority.tlsa_questions(one) > 0; });
  stage.authority.release();
  stage.run_until([&] { return stage.source->in_flight() == 0; });
  CHECK(held.expired());
  CHECK(late == std::vector<std::string>{one + " secure"});
  CHECK(stage.told.size() == 1);
}

TEST_CASE("UnboundSource: a TTL runs from when the records came, however long it takes to validate them") {
  Stage stage;
  stage.start();
  stage.ask(one);
  stage.run_until_told(1);
  const auto whole = stage.told[0]->ttl;

  Stage slow(Conduct::holds_keys);
  slow.start();
  slow.ask(one);
  slow.run_until([&] { return slow.authority.tlsa_questions(one) > 0; });
  const auto asked = std::chrono::steady_clock::now();
  slow.run_until([&] { return std::chrono::steady_clock::now() > asked + 1100ms; });
  slow.authority.release();
  slow.run_until_told(1);
  CHECK(word(*slow.told[0]) == "secure");
  CHECK(slow.told[0]->ttl < whole);
}

TEST_CASE("UnboundSource: destruction completes every waiter first") {
  Stage stage(Conduct::is_silent);
  stage.start();
  auto lease = std::make_shared<int>(0);
  const std::weak_ptr<int> held = lease;
  stage.ask(one, Freshness::any, std::move(lease));
  stage.ask(one, Freshness::fresh);
  for (int i = 0; i < 50; ++i)
    stage.ask("_smtp-client.n" + std::to_string(i) + ".example");
  SECTION("before the loop ever ran") {}
  SECTION("with queries under way") {
    stage.loop.run_one_for(50ms);
  }
  stage.source.reset();
  REQUIRE(stage.told.size() == 52);
  for (const auto& answer : stage.told)
    CHECK(word(*answer) == "shutting down");
  CHECK(held.expired());
  stage.loop.poll(); // nothing is left that touches the source
  CHECK(stage.told.size() == 52);
}

TEST_CASE("UnboundSource: a handler may destroy the source") {
  Stage stage;
  stage.start();
  stage.source->resolve(name(one), Freshness::any, [&](const core::AnswerPtr&) { stage.source.reset(); }, nullptr);
  stage.ask(one);
  stage.ask(one, Freshness::fresh);
  stage.run_until_told(2);
  CHECK_FALSE(stage.source);
  std::size_t secure = 0;
  for (const auto& answer : stage.told)
    if (word(*answer) == "secure") ++secure;
  CHECK(secure >= 1); // the one whose answer was there already
}

TEST_CASE("UnboundSource: fresh passes libunbound's cache by, and so does the name from then on") {
  Stage stage;
  stage.start();
  stage.ask(plain);
  stage.run_until_told(1);
  CHECK(stage.told[0]->ttl > 900s);
  stage.authority.change_ttl(plain, 20);
  stage.ask(plain);
  stage.run_until_told(2);
  CHECK(stage.told[1]->ttl > 900s); // out of the main context's cache
  stage.ask(plain, Freshness::fresh);
  stage.run_until_told(3);
  CHECK(stage.told[2]->ttl <= 20s);
  stage.ask(plain);
  stage.run_until_told(4);
  CHECK(stage.told[3]->ttl <= 20s); // not the older answer again
}

TEST_CASE("UnboundSource: once dns.min-ttl has passed, fresh sees what has changed") {
  Stage stage;
  stage.settings.min_ttl = 1s;
  stage.start();
  const auto begun = std::chrono::steady_clock::now();
  stage.ask(plain, Freshness::fresh);
  stage.run_until_told(1);
  CHECK(stage.told[0]->ttl > 900s);
  stage.authority.change_ttl(plain, 20);
  stage.run_until([&] { return std::chrono::steady_clock::now() - begun >= stage.settings.min_ttl; });
  stage.ask(plain, Freshness::fresh);
  stage.run_until_told(2);
  CHECK(stage.told[1]->ttl <= 20s);
}

TEST_CASE("UnboundSource: the self-test tells network, clock and anchor apart") {
  struct Row {
    const char* what;
    Conduct conduct;
    std::vector<std::string> files;
    std::vector<std::string> lines;
    std::vector<std::string> report; ///< owner and health
  };

  const std::string digest(64, '0');
  const Row rows[] = {
      {"all well", Conduct::answers, {"root.key"}, {}, {". ok"}},
      {"clocks",
       Conduct::answers,
       {"root.key", "expired.key", "future.key"},
       {},
       {". ok", "expired.example clock", "future.example clock"}},
      {"another key", Conduct::answers, {}, {". DS 1 13 2 " + digest}, {". anchor"}},
      {"an anchor for an unsigned zone",
       Conduct::answers,
       {"root.key"},
       {"unsigned.example. DS 1 13 2 " + digest},
       {". ok", "unsigned.example anchor"}},
      {"servers refuse", Conduct::refused, {"root.key"}, {}, {". network"}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Stage stage(row.conduct);
    stage.settings.trust_anchor_files.clear();
    for (const auto& file : row.files)
      stage.settings.trust_anchor_files.push_back(data_file(file));
    stage.settings.trust_anchors = row.lines;
    std::optional<dns::SelfTestReport> report;
    stage.start().self_test([&](dns::SelfTestReport made) { report = std::move(made); });
    CHECK_FALSE(report);
    stage.run_until([&] { return report.has_value(); });
    std::vector<std::string> found;
    for (const auto& check : report->anchors)
      found.push_back(check.owner + " " + std::string(describe(check.health)));
    CHECK(found == row.report);
  }
}

TEST_CASE("UnboundSource: a self-test that outlives its source tells nobody") {
  Stage stage(Conduct::is_silent);
  bool told = false;
  stage.start().self_test([&](const dns::SelfTestReport&) { told = true; });
  stage.loop.poll();
  stage.source.reset();
  stage.loop.poll();
  CHECK_FALSE(told);
}

TEST_CASE("check_anchors: what libunbound would take for granted is an error") {
  struct Row {
    const char* what;
    std::vector<std::string> files;
    std::vector<std::string> lines;
    std::string error; ///< a part of it; empty: good
  };

  const Row rows[] = {
      {"good", {data_file("root.key")}, {}, ""},
      {"a DS line", {}, {"branch.example. IN DS 1 13 2 " + std::string(64, '0')}, ""},
      {"no anchor at all", {}, {}, "no trust anchor"},
      {"missing", {data_file("no.key")}, {}, "no.key: No such file or directory"},
      {"a folder", {DANEGATE_TEST_DATA}, {}, "not a regular file"},
      {"empty", {"/dev/null"}, {}, "not a regular file"},
      {"other records only", {data_file("make.py")}, {}, "no DS or DNSKEY record"},
      {"syntax", {}, {"branch.example. DS one two three"}, "DS one two three: "},
      {"not an anchor", {}, {"branch.example. A 192.0.2.1"}, "not a DS or DNSKEY record"},
      {"unknown algorithm", {}, {"branch.example. DS 1 200 200 abcd"}, "branch.example"},
      {"unknown algorithm beside a good one",
       {data_file("root.key")},
       {"branch.example. DS 1 200 200 abcd"},
       "branch.example"},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    core::ResolverSettings settings;
    settings.trust_anchor_files = row.files;
    settings.trust_anchors = row.lines;
    const auto checked = UnboundSource::check_anchors(settings);
    CHECK(checked.has_value() == row.error.empty());
    if (checked) continue;
    INFO(checked.error());
    CHECK(checked.error().contains(row.error));
    boost::asio::io_context loop;
    CHECK_THROWS_AS(UnboundSource(loop, settings), std::runtime_error);
  }
}

TEST_CASE("UnboundSource: settings that libunbound does not take end the start, by name") {
  Stage stage;
  stage.settings.stub_zones.push_back({"a..b", stage.settings.stub_zones[0].servers});
  try {
    stage.start();
    FAIL("started");
  } catch (const std::runtime_error& error) {
    CHECK(std::string(error.what()).contains("stub zone a..b"));
  }
}

TEST_CASE("UnboundSource: TLS is for the upstreams, not for stub zones; without TLS in libunbound the start ends") {
  Stage stage;
  core::Upstream server;
  server.address = "127.0.0.1";
  server.port = 853;
  server.tls = true;
  server.tls_name = "dns.example";
  stage.settings.upstream = {server};
  stage.settings.trust_anchor_files = {
      data_file("expired.key")}; // not the root's, whose keys the upstream would be asked for
  const auto checked = UnboundSource::check_anchors(stage.settings);
  if (checked) { // Debian 13
    stage.start();
    stage.ask(plain);
    stage.run_until_told(1);
    CHECK(word(*stage.told[0]) == "insecure");
    CHECK(stage.authority.tlsa_questions(plain) > 0);
  } else { // Debian 12
    CHECK(checked.error().starts_with("dns.upstream: "));
    CHECK_THROWS_AS(stage.start(), std::runtime_error);
  }
}
