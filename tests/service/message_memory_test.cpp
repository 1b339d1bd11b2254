#include "daemon/service/message_memory.h"

#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <string>

using namespace danegate::test;
using namespace std::chrono_literals;
using danegate::service::MessageMemory;

namespace {

constexpr MessageMemory::Time start{1000h};
const DnsName name = dns_name("_c.mta1.acme.example");

} // namespace

TEST_CASE("MessageMemory: failures only, of this message and name only, for a while") {
  const auto timeout = failed(FailureKind::timeout);
  MessageMemory memory;
  memory.note("1", name, timeout, start);
  CHECK(memory.find("1", name, start) == timeout);
  CHECK(memory.find("1", name, start + MessageMemory::age - 1s) == timeout);
  CHECK_FALSE(memory.find("1", name, start + MessageMemory::age));
  CHECK_FALSE(memory.find("2", name, start));
  CHECK_FALSE(memory.find("1", dns_name("_c.mta2.acme.example"), start));

  for (const auto& answer : {secure({}), absent(), insecure(), failed(FailureKind::overload)}) {
    memory.note("3", name, answer, start);
    CHECK_FALSE(memory.find("3", name, start));
  }
  memory.note("3", name, bogus(), start);
  CHECK(memory.find("3", name, start));
  memory.note("", name, timeout, start);
  CHECK_FALSE(memory.find("", name, start));
}

TEST_CASE("MessageMemory: the first failure counts: a message does not renew it") {
  MessageMemory memory;
  const auto first = failed(FailureKind::timeout);
  memory.note("1", name, first, start);
  memory.note("1", name, bogus(), start + 1min);
  CHECK(memory.find("1", name, start + 1min) == first);
  CHECK_FALSE(memory.find("1", name, start + MessageMemory::age));
  memory.note("1", name, bogus(), start + MessageMemory::age);
  CHECK(memory.find("1", name, start + MessageMemory::age));
}

TEST_CASE("MessageMemory: bounded, in messages and in names of one") {
  MessageMemory memory;
  for (std::size_t i = 0; i < 2 * MessageMemory::max_names; ++i)
    memory.note("0", dns_name("n" + std::to_string(i) + ".acme.example"), bogus(), start);
  CHECK(memory.find("0", dns_name("n63.acme.example"), start));
  CHECK_FALSE(memory.find("0", dns_name("n64.acme.example"), start));
  for (std::size_t i = 1; i <= MessageMemory::max_messages; ++i)
    memory.note(std::to_string(i), name, bogus(), start);
  CHECK(memory.size() == MessageMemory::max_messages);
  CHECK_FALSE(memory.find("0", dns_name("n63.acme.example"), start));
}
