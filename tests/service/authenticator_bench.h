// An authenticator on a loop, with a clock and a DNS that the test plays itself.
#pragma once

#include "daemon/service/authenticator.h"
#include "tests/core/acme_scene.h"
#include "tests/support/fake_tlsa_source.h"

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace danegate::test {

using namespace std::chrono_literals;
using service::Authenticator;

inline Rule partner(const char* name) {
  Rule r;
  r.name = name;
  r.senders = {senders(name)};
  return r;
}

/// acme and beta are partners, each with an entry of its own on the lookup list.
inline Scene two_partners() {
  Scene scene;
  scene.rules = {partner("acme.example"), partner("beta.example")};
  return scene;
}

/// A verdict under way.
struct Asked {
  std::optional<Decision> decision;
  std::exception_ptr error;
};

class Bench {
public:
  explicit Bench(Scene described = two_partners()) : scene(std::move(described)) { use({}); }

  /// The configuration that questions are put with from now on; the authenticator hears of it by reconfigure() only.
  void use(config::Limits limits) {
    auto fresh = std::make_shared<config::Config>();
    fresh->rules = scene.rule_set();
    fresh->limits = limits;
    fresh->roster = roster_settings;
    fresh->cache = roster_settings.limits.ttl;
    fresh->roster_plan = RosterPlan::make(*fresh->rules, real_ports(), config ? config->roster_plan : nullptr).value();
    config = fresh;
  }

  Authenticator& authenticator() {
    if (!made_)
      made_ = std::make_unique<Authenticator>(loop, config, dns->source(), real_ports(), [this] { return now; });
    return *made_;
  }

  void end_authenticator() { made_.reset(); }

  Question question(const char* helo, const char* client = "192.0.2.1") {
    Question q{&config->rules->services().front(), scene.evidence, scene.claims, scene.envelope};
    q.claims.helo = helo;
    q.envelope.client = IpAddress::parse(client);
    return q;
  }

  std::shared_ptr<Asked> ask(Question q) {
    auto asked = std::make_shared<Asked>();
    boost::asio::co_spawn(loop, authenticator().judge(std::move(q), config),
                          [asked](std::exception_ptr error, Decision decision) {
                            asked->error = error;
                            asked->decision = std::move(decision);
                          });
    turn();
    return asked;
  }

  std::shared_ptr<Asked> ask(const char* helo = "mta1.acme.example", const char* client = "192.0.2.1") {
    return ask(question(helo, client));
  }

  /// Everything that is ready happens; nothing is waited for.
  void turn() {
    loop.restart();
    loop.poll();
  }

  void finish(std::size_t lookup, AnswerPtr answer) {
    dns->finish(lookup, std::move(answer));
    turn();
  }

  /// Until the deadline has passed; the bound is for a test that goes wrong.
  void wait_for(const Asked& asked) {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    loop.restart();
    while (!asked.decision && std::chrono::steady_clock::now() < give_up)
      loop.run_one_for(10s);
  }

  config::RosterSettings roster_settings; ///< for use()
  Scene scene;
  boost::asio::io_context loop{1};
  std::shared_ptr<FakeDns> dns = FakeDns::make();
  config::ConfigPtr config;
  TimePoint now{std::chrono::hours{500000}};

private:
  std::unique_ptr<Authenticator> made_;
};

/// The verdict's words; "-" while there is none.
inline std::string words(const std::shared_ptr<Asked>& asked) {
  if (asked->error) std::rethrow_exception(asked->error);
  return asked->decision ? words(asked->decision->outcome) : "-";
}

} // namespace danegate::test
