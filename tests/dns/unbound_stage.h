// A source on a loop, which takes the recorded authority for everybody's server.
#pragma once

#include "daemon/dns/unbound_source.h"
#include "tests/dns/recorded_authority.h"
#include "tests/support/catch.h"

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

using namespace std::chrono_literals;
using dns::Freshness;
using dns::UnboundSource;

inline core::DnsName name(const std::string& text) {
  return core::DnsName::parse(text).value();
}

inline std::string data_file(const std::string& file) {
  return std::string(DANEGATE_TEST_DATA) + "/dns/" + file;
}

/// "secure", "absent", "insecure", "bogus", "timeout", or why it failed.
inline std::string word(const core::TlsaAnswer& answer) {
  const auto* const failed = std::get_if<core::Failed>(&answer.outcome);
  if (failed == nullptr) return std::string(core::state_of(answer));
  return failed->kind == core::FailureKind::timeout ? "timeout" : failed->why;
}

/// A source that takes the authority for everybody's server.
struct Stage {
  boost::asio::io_context loop{1};
  RecordedAuthority authority;
  core::ResolverSettings settings;
  std::vector<std::string> warnings;
  std::unique_ptr<UnboundSource> source;
  std::vector<core::AnswerPtr> told;

  explicit Stage(Conduct conduct = Conduct::answers) : authority(loop, conduct) {
    settings.trust_anchor_files = {data_file("root.key")};
    core::Upstream server;
    server.address = "127.0.0.1";
    server.port = authority.port();
    server.loopback = true;
    // Every zone, since what is recorded delegates to port 53.
    for (const std::string zone :
         {".", "example", "partner.example", "nsec3.example", "optout.example", "optisland.example", "unsigned.example",
          "expired.example", "future.example", "broken.example"})
      settings.stub_zones.push_back({zone, {server}});
    settings.timeout = 15s;
  }

  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  ~Stage() { CHECK(warnings.empty()); }

  UnboundSource& start() {
    source =
        std::make_unique<UnboundSource>(loop, settings, [this](std::string_view text) { warnings.emplace_back(text); });
    return *source;
  }

  void ask(const std::string& owner, Freshness freshness = Freshness::any, dns::Lease lease = nullptr) {
    source->resolve(
        name(owner), freshness, [this](core::AnswerPtr answer) { told.push_back(std::move(answer)); },
        std::move(lease));
  }

  /// Runs the loop until it has come true; generous, since only a broken promise takes that long.
  template <class Condition>
  void run_until(const Condition& reached) {
    const auto limit = std::chrono::steady_clock::now() + 30s;
    while (!reached()) {
      if (std::chrono::steady_clock::now() > limit) FAIL("still waiting");
      loop.run_one_for(20ms);
    }
  }

  void run_until_told(std::size_t count) {
    run_until([&] { return told.size() >= count; });
  }
};

} // namespace danegate::test
