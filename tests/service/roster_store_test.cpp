// The state file: what survives a restart, and what a file may be like without harm.
#include "daemon/service/roster_store.h"
#include "daemon/service/safe_file.h"
#include "tests/core/roster_scene.h"
#include "tests/service/captured_log.h"
#include "tests/support/fake_tlsa_source.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

using namespace danegate;
using namespace danegate::test;
namespace fs = std::filesystem;

namespace {

constexpr const char* mta1 = "_smtp-client.mta1.acme.example";

struct TemporaryFolder {
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "danegate-state-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path = pattern;
  }

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }

  fs::path path;
};

/// One life of a daemon, as far as its roster goes.
struct Life {
  explicit Life(const fs::path& folder, TimePoint time = start, std::string anchor = "anchor",
                std::vector<std::string> names = {"mta1.acme.example", "mta2.acme.example"})
      : now(time) {
    auto made = std::make_shared<config::Config>();
    made->rules = std::make_shared<const RuleSet>(std::vector<Service>{service_with("smtp", {"_smtp-client.{helo}"})},
                                                  std::vector<Rule>{naming("r", names)}, std::vector<DnsName>{}, false);
    made->roster_plan = plan_of(*made->rules);
    made->server.state = folder.string();
    made->dns.trust_anchors = {std::move(anchor)};
    config = std::move(made);
    keeper->serve(config, *source);
    store.load(*config);
  }

  void learn(const char* owner, const AnswerPtr& answer) { keeper->learn(keeper->epoch(), dns_name(owner), *answer); }

  std::size_t known() const {
    const auto counts = keeper->roster()->counts();
    return counts.secure + counts.absent + counts.insecure;
  }

  /// Everything that a save() begins is done.
  void finish() {
    const auto give_up = std::chrono::steady_clock::now() + 10s;
    while (fs::exists(fs::path(config->server.state) / "roster.tmp") ||
           !fs::exists(fs::path(config->server.state) / "roster")) {
      loop.restart();
      loop.run_one_for(20ms);
      REQUIRE(std::chrono::steady_clock::now() < give_up);
    }
    loop.restart();
    loop.poll();
  }

  std::size_t warnings() {
    const auto lines = log.lines();
    return static_cast<std::size_t>(std::ranges::count_if(
        lines, [](const std::string& line) { return line.starts_with("level=warning event=roster-state"); }));
  }

  static constexpr TimePoint start{std::chrono::hours{490000}};
  TimePoint now;
  boost::asio::io_context loop{1};
  service::CapturedLog log;
  std::shared_ptr<FakeDns> dns = FakeDns::make();
  std::unique_ptr<dns::TlsaSource> source = dns->source();
  config::ConfigPtr config;
  std::shared_ptr<service::RosterKeeper> keeper =
      service::RosterKeeper::make(loop, log.log, real_ports().hash, [this] { return now; });
  service::RosterStore store{loop, log.log, keeper, real_ports().hash, [this] { return now; }};
};

AnswerPtr known_for(std::chrono::seconds ttl) {
  return signed_answer({right_key(), other_key()}, ttl, Life::start + 1h);
}

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A folder with the file of a daemon that knew mta1 for 1000 s.
void leave_behind(const fs::path& folder) {
  Life life(folder);
  life.learn(mta1, known_for(1000s));
  life.store.save_and_stop();
  CHECK(life.warnings() == 0);
}

} // namespace

TEST_CASE("state file: answers survive a restart while their TTL, their signatures and the clock allow") {
  struct Case {
    const char* label;
    std::chrono::seconds later;
    std::size_t known;
  };

  for (const Case& c : {Case{"at once", 0s, 1}, Case{"within the TTL", 999s, 1}, Case{"after it", 1000s, 0},
                        Case{"the clock was set back", -1s, 0}}) {
    INFO(c.label);
    const TemporaryFolder folder;
    leave_behind(folder.path);
    Life next(folder.path, Life::start + c.later);
    CHECK(next.known() == c.known);
    CHECK(next.warnings() == 0);
  }
}

TEST_CASE("state file: a clock that was set back while the daemon was down makes no answer last longer") {
  struct Case {
    const char* label;
    std::chrono::seconds later; ///< than the answer, by the clock of the next daemon
    std::size_t known;
  };

  for (const Case& c : {Case{"when the file was finished", 600s, 1}, Case{"a moment before", 599s, 0},
                        Case{"when the answer was given", 0s, 0}, Case{"after the file, within the TTL", 999s, 1}}) {
    INFO(c.label);
    const TemporaryFolder folder;
    {
      Life life(folder.path);
      life.learn(mta1, known_for(1000s));
      life.now += 600s;
      life.store.save_and_stop();
    }
    Life next(folder.path, Life::start + c.later);
    CHECK(next.known() == c.known);
    CHECK(next.warnings() == 0);
    CHECK(fs::exists(folder.path / "roster") == (c.known == 1)); // its time will not seem to have come, either
  }
}

TEST_CASE("state file: one of an older version is not read, and costs no warning") {
  const TemporaryFolder folder;
  leave_behind(folder.path);
  auto older = contents(folder.path / "roster");
  older[19] = roster_state_version - 1;
  std::ofstream(folder.path / "roster", std::ios::binary | std::ios::trunc) << older;
  Life life(folder.path);
  CHECK(life.known() == 0);
  CHECK(life.warnings() == 0);
  CHECK_FALSE(fs::exists(folder.path / "roster.bad"));
}

TEST_CASE("state file: other trust anchors drop everything, over a restart and at once") {
  const TemporaryFolder folder;
  leave_behind(folder.path);
  Life other(folder.path, Life::start, "other anchor");
  CHECK(other.known() == 0);
  CHECK(other.warnings() == 0);

  leave_behind(folder.path);
  Life same(folder.path);
  CHECK(same.known() == 1);
  same.store.reconfigure(*same.config, true);
  for (int i = 0; i < 500 && fs::exists(folder.path / "roster"); ++i)
    ::usleep(10000);
  CHECK_FALSE(fs::exists(folder.path / "roster"));
}

TEST_CASE("state file: names that are no longer in the rules are not taken") {
  const TemporaryFolder folder;
  leave_behind(folder.path);
  CHECK(Life(folder.path, Life::start, "anchor", {"mta2.acme.example"}).known() == 0);
}

TEST_CASE("state file: one that is of no use is put aside with one warning, and the daemon starts clean") {
  const TemporaryFolder folder;
  leave_behind(folder.path);
  const auto good = contents(folder.path / "roster");
  auto newer = good;
  newer[19] = roster_state_version + 1;
  auto flipped = good;
  flipped[good.size() / 2] = static_cast<char>(flipped[good.size() / 2] ^ 1);
  std::string random(5000, '\0');
  ::arc4random_buf(random.data(), random.size());

  for (const auto& [label, text] :
       std::vector<std::pair<std::string, std::string>>{{"truncated", good.substr(0, good.size() - 20)},
                                                        {"empty", ""},
                                                        {"random", random},
                                                        {"newer", newer},
                                                        {"one bit", flipped}}) {
    INFO(label);
    std::ofstream(folder.path / "roster", std::ios::binary | std::ios::trunc) << text;
    fs::remove(folder.path / "roster.bad");
    Life life(folder.path);
    CHECK(life.known() == 0);
    CHECK(life.warnings() == 1);
    CHECK(contents(folder.path / "roster.bad") == text);
    CHECK_FALSE(fs::exists(folder.path / "roster"));
    life.learn(mta1, known_for(1000s));
    life.store.save_and_stop();
    CHECK(life.warnings() == 1);
    CHECK(Life(folder.path).known() == 1);
  }
}

TEST_CASE("state file: a daemon that is killed while it writes leaves the file of before") {
  const TemporaryFolder folder;
  leave_behind(folder.path);
  const auto good = contents(folder.path / "roster");
  for (std::size_t length = 0; length < good.size(); length += 7) { // as far as it came
    std::ofstream(folder.path / "roster.tmp", std::ios::binary | std::ios::trunc) << good.substr(0, length);
    Life life(folder.path);
    CHECK(life.known() == 1);
    CHECK(life.warnings() == 0);
    CHECK_FALSE(fs::exists(folder.path / "roster.tmp"));
  }
}

TEST_CASE("state file: a folder that is missing is one warning, and no end") {
  const TemporaryFolder folder;
  Life life(folder.path / "none");
  CHECK(life.warnings() == 1);
  life.learn(mta1, known_for(1000s));
  life.store.save_and_stop();
  CHECK(life.known() == 1);
  CHECK(life.warnings() == 1);
}

TEST_CASE("state file: without names, or without a folder, nothing is looked at") {
  Life nobody("/nonexistent", Life::start, "anchor", {"*.acme.example"});
  nobody.store.save_and_stop();
  CHECK(nobody.log.lines().empty());
  Life off("");
  off.learn(mta1, known_for(1000s));
  off.store.save_and_stop();
  CHECK(off.warnings() == 0);
}

TEST_CASE("state file: written by a thread while the daemon serves, slice by slice") {
  std::vector<std::string> names;
  for (int i = 0; i < 3500; ++i)
    names.push_back("mta" + std::to_string(i) + ".acme.example");
  const TemporaryFolder folder;
  Life life(folder.path, Life::start, "anchor", names);
  for (std::size_t i = 2000; i < names.size(); ++i) // the first slice has nothing to say
    life.learn(("_smtp-client." + names[i]).c_str(), known_for(1000s));
  life.store.save();
  life.finish();
  CHECK(Life(folder.path, Life::start, "anchor", names).known() == 1500);
  const auto before = contents(folder.path / "roster");
  life.store.save(); // nothing has changed
  life.store.save_and_stop();
  CHECK(contents(folder.path / "roster") == before);
}

TEST_CASE("state file: a write that is overtaken by the end of the daemon is made anew") {
  const TemporaryFolder folder;
  {
    Life life(folder.path);
    life.learn(mta1, known_for(1000s));
    life.store.save();
    life.store.save_and_stop();
  }
  CHECK(Life(folder.path).known() == 1);
  {
    Life life(folder.path);
    life.learn(mta1, known_for(500s));
    life.store.save(); // and the daemon ends without another word
  }
  CHECK(Life(folder.path).known() == 1);
  CHECK_FALSE(fs::exists(folder.path / "roster.tmp"));
}

TEST_CASE("safe file: what is not committed never was") {
  const TemporaryFolder folder;
  const auto file = (folder.path / "f").string();
  std::ofstream(file) << "before";
  {
    auto safe = service::SafeFile::begin(file);
    REQUIRE(safe);
    CHECK(safe->write(octets("half")));
  }
  CHECK(contents(file) == "before");
  auto safe = service::SafeFile::begin(file);
  REQUIRE(safe);
  CHECK(safe->write(octets("after")));
  CHECK(safe->commit());
  CHECK(contents(file) == "after");
  CHECK((fs::status(file).permissions() & fs::perms::mask) == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK_FALSE(service::SafeFile::begin((folder.path / "none" / "f").string()));
  CHECK_FALSE(service::read_octets(folder.path.string(), 10));
  CHECK(service::read_octets((folder.path / "absent").string(), 10).value() == std::nullopt);
  CHECK_FALSE(service::read_octets(file, 3));
}
