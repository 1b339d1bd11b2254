#include "daemon/dns/unbound_options.h"

#include "tests/support/catch.h"

#include <algorithm>

using namespace danegate;
using namespace std::chrono_literals;

namespace {

core::Upstream server(std::string address, std::uint16_t port = 53) {
  core::Upstream made;
  made.address = std::move(address);
  made.port = port;
  return made;
}

core::Upstream loopback() {
  auto made = server("127.0.0.1", 5300);
  made.loopback = true;
  return made;
}

core::Upstream over_tls(std::string address, std::string name) {
  auto made = server(std::move(address), 853);
  made.tls = true;
  made.tls_name = std::move(name);
  return made;
}

/// The only value of an option that stands there once.
std::string value_of(const dns::UnboundOptions& made, const std::string& option) {
  REQUIRE(std::ranges::count(made.options, option, &std::pair<std::string, std::string>::first) == 1);
  return std::ranges::find(made.options, option, &std::pair<std::string, std::string>::first)->second;
}

} // namespace

TEST_CASE("make_options: an answer's age is bounded") {
  const auto made = dns::make_options({});
  CHECK(value_of(made, "cache-max-ttl:") == "3600");
  CHECK(value_of(made, "cache-max-negative-ttl:") == "300");
  CHECK(value_of(made, "val-bogus-ttl:") == "30");
  CHECK(value_of(made, "serve-expired:") == "no");
  CHECK(value_of(made, "aggressive-nsec:") == "no");
  core::ResolverSettings brief;
  brief.max_ttl = 5s;
  brief.negative_max_ttl = 0s;
  CHECK(value_of(dns::make_options(brief), "cache-max-ttl:") == "5");
  CHECK(value_of(dns::make_options(brief), "cache-max-negative-ttl:") == "1");
}

TEST_CASE("make_options: nothing weakens validation") {
  const auto made = dns::make_options({});
  CHECK(value_of(made, "module-config:") == "validator iterator");
  CHECK(value_of(made, "val-permissive-mode:") == "no");
  CHECK(value_of(made, "harden-dnssec-stripped:") == "yes");
}

TEST_CASE("make_options: our loopback is asked only if the operator named a server there") {
  core::ResolverSettings elsewhere;
  elsewhere.upstream = {server("192.0.2.1")};
  elsewhere.stub_zones = {{"branch.example", {server("192.0.2.2")}}};
  core::ResolverSettings upstream = elsewhere;
  upstream.upstream.push_back(loopback());
  core::ResolverSettings stub = elsewhere;
  stub.stub_zones[0].servers.push_back(loopback());
  core::ResolverSettings system;
  system.system_resolvers = true;
  CHECK(value_of(dns::make_options({}), "do-not-query-localhost:") == "yes");
  CHECK(value_of(dns::make_options(elsewhere), "do-not-query-localhost:") == "yes");
  CHECK(value_of(dns::make_options(upstream), "do-not-query-localhost:") == "no");
  CHECK(value_of(dns::make_options(stub), "do-not-query-localhost:") == "no");
  CHECK(value_of(dns::make_options(system), "do-not-query-localhost:") == "no");
}

TEST_CASE("make_options: servers in libunbound's spelling") {
  core::ResolverSettings settings;
  settings.upstream = {server("192.0.2.1"), server("2001:db8::1", 5353)};
  settings.stub_zones = {{".", {loopback()}}, {"branch.example", {server("192.0.2.2"), server("192.0.2.3", 54)}}};
  const auto made = dns::make_options(settings);
  CHECK(made.forwards == std::vector<std::string>{"192.0.2.1@53", "2001:db8::1@5353"});
  CHECK(made.stubs == dns::UnboundOptions::Pairs{{".", "127.0.0.1@5300"},
                                                 {"branch.example", "192.0.2.2@53"},
                                                 {"branch.example", "192.0.2.3@54"}});
  CHECK(made.tls_forwards.empty());
}

TEST_CASE("make_options: TLS for the upstreams, not for the stub zones") {
  core::ResolverSettings settings;
  settings.upstream = {over_tls("192.0.2.1", "dns.example"), over_tls("192.0.2.2", "")};
  settings.stub_zones = {{"branch.example", {loopback()}}};
  const auto made = dns::make_options(settings);
  CHECK(made.forwards.empty());
  CHECK(value_of(made, "tls-system-cert:") == "yes");
  CHECK(made.tls_forwards == "forward-zone:\n  name: \".\"\n  forward-tls-upstream: yes\n"
                             "  forward-addr: 192.0.2.1@853#dns.example\n  forward-addr: 192.0.2.2@853\n");
  CHECK(made.stubs == dns::UnboundOptions::Pairs{{"branch.example", "127.0.0.1@5300"}});
}
