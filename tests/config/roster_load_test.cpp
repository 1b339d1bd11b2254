// The settings of the roster: what is resolved ahead, how fast, and what cannot be kept up with.
#include "tests/config/config_files.h"

#include <string>
#include <utility>

namespace danegate::config {

namespace {

using namespace std::chrono_literals;

std::string list_of(int count) {
  std::string text;
  for (int i = 0; i < count; ++i)
    text += "mta" + std::to_string(i) + ".acme.example\n";
  return text;
}

std::vector<std::string> mistakes(const std::string& file) {
  const auto loaded = load(file, environment());
  REQUIRE_FALSE(loaded);
  return positions(loaded.error());
}

constexpr std::string_view rule_with_list = "[[rule]]\nname = \"r\"\nservices = [\"smtp\"]\n"
                                            "identity-files = [\"list\"]\nprefetch = true\n";

} // namespace

TEST_CASE("The roster's settings, and their defaults", "[config][roster]") {
  const Folder folder;
  const auto standard = load_good(folder.write("danegate.toml", ""));
  CHECK(standard->roster.refresh_per_second == 50);
  CHECK(standard->roster.limits.signature_warning == 48h);
  CHECK(standard->roster.limits.ttl == standard->cache);
  CHECK(standard->cache.grace == 0s);
  CHECK(standard->server.state == "/var/lib/danegate");
  CHECK(standard->roster_plan->names() == 0);
  const auto set = load_good(folder.write(
      "danegate.toml", "[server]\nstate = \"\"\n[dns]\ngrace = \"2h\"\nrefresh-per-second = 7\nsignature-warning = "
                       "\"5d\"\n[limits]\nrecords-per-name = 9\n"));
  CHECK(set->server.state.empty());
  CHECK(set->cache.grace == 2h);
  CHECK(set->roster.limits.ttl.grace == 2h);
  CHECK(set->roster.refresh_per_second == 7);
  CHECK(set->roster.limits.signature_warning == 120h);
  CHECK(set->roster.limits.records_per_name == 9);
}

TEST_CASE("Exact identities are in the roster, those of files where prefetch is on", "[config][roster]") {
  const Folder folder;
  folder.write("list", list_of(3));
  const std::string exact = "[[rule]]\nname = \"e\"\nservices = [\"smtp\"]\nidentities = [\"a.acme.example\"]\n";
  const std::string on_claim = "[[rule]]\nname = \"c\"\nidentity-files = [\"list\"]\n";
  CHECK(load_good(folder.write("danegate.toml", exact + on_claim))->roster_plan->names() == 1);
  const auto config = load_good(folder.write("danegate.toml", exact + std::string(rule_with_list)));
  CHECK(config->roster_plan->names() == 4);
  CHECK(config->rules->rules()[1].prefetch);
}

TEST_CASE("A rate that cannot keep up with dns.max-ttl is refused, with the arithmetic", "[config][roster]") {
  const Folder folder;
  folder.write("list", list_of(1000));
  const auto dns = [&](const std::string& settings) {
    return folder.write("danegate.toml", "[dns]\nmin-ttl = \"1s\"\nnegative-max-ttl = \"5s\"\n" + settings + '\n' +
                                             std::string(rule_with_list));
  };
  load_good(dns("refresh-per-second = 50\nmax-ttl = \"27s\"")); // 20 s, of 20 s
  const auto errors = mistakes(dns("refresh-per-second = 50\nmax-ttl = \"26s\""));
  REQUIRE(errors.size() == 1);
  CHECK(
      errors[0].contains("danegate.toml:4:22: the rules name 1000 owner names in full: at dns.refresh-per-second = 50 "
                         "one round takes 1000 / 50 = 20 s, but answers have to be refreshed within 19 s (3/4 of "
                         "dns.max-ttl = 26s); set dns.refresh-per-second to 53 or more, or dns.max-ttl to \"27s\" or "
                         "more"));
  load_good(dns("refresh-per-second = 53\nmax-ttl = \"26s\""));
  CHECK(mistakes(dns("max-ttl = \"26s\"")).size() == 1);
}

TEST_CASE("A plan builds on the one that serves", "[config][roster]") {
  const Folder folder;
  folder.write("list", list_of(3));
  const auto file = folder.write("danegate.toml", rule_with_list);
  const auto first = load(file, environment());
  REQUIRE(first);
  const auto second = load(file, environment(), (*first)->roster_plan);
  REQUIRE(second);
  CHECK((*second)->roster_plan->based_on((*first)->roster_plan));
  CHECK((*second)->roster_plan->added().empty());
}

TEST_CASE("Other keys in the same anchor file are other settings of the resolver", "[config][roster]") {
  const Folder folder;
  const auto anchor = folder.write("root.key", ". IN DS 1 13 2 00\n");
  const auto file = folder.write("danegate.toml", "[dns]\ntrust-anchor-files = [\"root.key\"]\n");
  const auto first = load_good(file);
  CHECK(first->dns == load_good(file)->dns);
  folder.write("root.key", ". IN DS 1 13 2 01\n");
  const auto changed = load_good(file);
  CHECK(first->dns != changed->dns);
  std::filesystem::remove(anchor);
  CHECK(changed->dns != load_good(file)->dns);
}

TEST_CASE("Long lists are read line by line, wherever the blocks of the file end", "[config][roster]") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 9000; ++i)
    text += "host" + std::to_string(i) + ".with-a-name-of-some-length" +
            std::string(static_cast<std::size_t>(i % 30), 'x') + ".example" + (i % 3 == 0 ? "  # a comment\r\n" : "\n");
  const auto file = folder.write("danegate.toml", rule_with_list);
  folder.write("list", text + "last.acme.example");
  CHECK(load_good(file)->rules->rules()[0].identity_files->size() == 9001);
  folder.write("list", text + "not a name\n" + std::string(5000, 'x') + "\nlast.acme.example\n-bad_\n");
  const auto errors = mistakes(file);
  REQUIRE(errors.size() >= 2);
  CHECK(errors[0].contains("list:9001:5: expected one identity a line"));
  CHECK(errors[1].contains("list:9002:1: the line is longer than 4096 octets"));
}

} // namespace danegate::config
