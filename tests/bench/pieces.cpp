// bench_pieces: the pure pieces of a verdict, each by itself, with Google Benchmark: parse a request, match records,
// choose rules, judge with a known answer, write the reply and the log line.
#include "daemon/core/answer_cache.h"
#include "daemon/core/auth_flow.h"
#include "daemon/core/tlsa_match.h"
#include "daemon/service/verdict_log.h"
#include "policy/inbox.h"
#include "policy/question.h"
#include "policy/reply.h"
#include "policy/request.h"
#include "tests/core/flow_driver.h"
#include "tests/policy/builders.h"

#include <benchmark/benchmark.h>

#include <cstring>

namespace {

using namespace danegate;

constexpr std::size_t max_request = 65536;
const std::string owner = "_smtp-client.mta1.acme.example";

core::AnswerPtr right_answer() {
  core::Secure secure;
  secure.records = {test::right_key()};
  return std::make_shared<const core::TlsaAnswer>(core::TlsaAnswer{secure, std::chrono::seconds(3600)});
}

test::Scene partner() {
  test::Scene scene;
  core::Rule rule;
  rule.name = "partner";
  rule.senders = {test::senders("acme.example"), test::senders(".acme.example")};
  rule.identities = {test::identities("mta1.acme.example"), test::identities("*.out.acme.example")};
  scene.rules = {rule};
  return scene;
}

core::Decision pass() {
  return test::run(partner().flow(), {{owner, {right_answer(), true}}}).decision;
}

void parse_request(benchmark::State& state) {
  const std::string text = test::wire(test::attributes());
  policy::Inbox inbox(max_request);
  for (auto _ : state) {
    const auto space = inbox.space();
    std::memcpy(space.data(), text.data(), text.size());
    inbox.filled(text.size());
    auto whole = inbox.next();
    benchmark::DoNotOptimize(whole);
    auto request = inbox.request();
    benchmark::DoNotOptimize(request);
    inbox.consumed();
    inbox.begin(max_request);
  }
}

void make_question(benchmark::State& state) {
  const std::string text = test::wire(test::attributes());
  const auto request = policy::Request::parse(text).value();
  const auto config = test::policy_config();
  const auto& service = config->rules->services().front();
  for (auto _ : state) {
    auto question =
        policy::make_question(request, *config, service, policy::recipient_of(request), test::fake_to_ascii);
    benchmark::DoNotOptimize(question);
  }
}

void match_records(benchmark::State& state) {
  core::Secure secure;
  secure.records = {test::other_key(), test::right_key()};
  const auto evidence = test::both_digests();
  const auto name = test::dns_name(owner);
  for (auto _ : state) {
    auto outcome = core::match(secure, evidence, name, test::real_ports().hash);
    benchmark::DoNotOptimize(outcome);
  }
}

void choose_rules(benchmark::State& state) {
  const auto rules = partner().rule_set();
  const auto envelope = partner().envelope;
  for (auto _ : state) {
    auto found = rules->applicable(rules->services().front(), envelope);
    benchmark::DoNotOptimize(found);
  }
}

void judge_known_answer(benchmark::State& state) {
  const auto scene = partner();
  const auto rules = scene.rule_set();
  const auto answer = right_answer();
  for (auto _ : state) {
    auto flow = scene.flow(rules);
    for (const auto& need : flow.take_needs())
      flow.answer(need.id, answer, true);
    auto decision = flow.take();
    benchmark::DoNotOptimize(decision);
  }
}

void find_in_cache(benchmark::State& state) {
  core::AnswerCache cache({});
  const auto now = core::TimePoint() + std::chrono::hours(1);
  const auto name = test::dns_name(owner);
  cache.store(name, right_answer(), now);
  for (auto _ : state) {
    auto hit = cache.find(name, now);
    benchmark::DoNotOptimize(hit);
  }
}

void write_reply(benchmark::State& state) {
  const auto decision = pass();
  for (auto _ : state) {
    auto reply = policy::verdict_reply(decision.outcome, "0123ABCD");
    benchmark::DoNotOptimize(reply);
  }
}

void write_log_line(benchmark::State& state) {
  const auto decision = pass();
  const service::VerdictContext context{.ref = "0123ABCD",
                                        .queue = "",
                                        .instance = "64cf.6b021a11.2699f.0",
                                        .state = "RCPT",
                                        .client = "192.0.2.1",
                                        .helo = "mta1.acme.example",
                                        .sender = "ceo@acme.example"};
  std::string line;
  for (auto _ : state) {
    line.clear();
    service::append_verdict_line(line, decision, decision.outcome, context, false);
    benchmark::DoNotOptimize(line);
  }
}

BENCHMARK(parse_request);
BENCHMARK(make_question);
BENCHMARK(choose_rules);
BENCHMARK(find_in_cache);
BENCHMARK(match_records);
BENCHMARK(judge_known_answer);
BENCHMARK(write_reply);
BENCHMARK(write_log_line);

} // namespace

BENCHMARK_MAIN();
