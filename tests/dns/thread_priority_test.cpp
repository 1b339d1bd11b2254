// Threads of the resolver: which of them leave the processors to others.
#include "tests/dns/unbound_stage.h"

#include <filesystem>
#include <set>
#include <string>

#include <sys/resource.h>

using namespace danegate;
using namespace danegate::test;

namespace {

/// Of every thread of this process.
std::multiset<int> nice_values() {
  std::multiset<int> values;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task"))
    values.insert(::getpriority(PRIO_PROCESS, static_cast<id_t>(std::stoul(task.path().filename().string()))));
  return values;
}

} // namespace

TEST_CASE("UnboundSource: a domain whose signatures do not hold is validated by a thread of low priority") {
  Stage stage;
  stage.start();
  const auto before = nice_values();
  stage.ask("_smtp-client.mta.broken.example");
  stage.run_until_told(1);
  CHECK(nice_values() == before);
  stage.ask("_smtp-client.mta2.broken.example");
  stage.run_until_told(2);
  auto expected = before;
  expected.insert(::getpriority(PRIO_PROCESS, 0) + 10);
  CHECK(nice_values() == expected);
}
