#include "daemon/core/tlsa_answer.h"
#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <vector>

using namespace danegate::core;

TEST_CASE("where a wildcard stands, from the owner and the RRSIG's label count") {
  struct Case {
    const char* label;
    const char* owner;
    std::size_t rrsig_labels;
    Wildcard expected;
  };

  const std::vector<Case> cases{
      {"no expansion", "_smtp-client.mta1.example.com", 4, Wildcard::none},
      {"no expansion, device", "sensor7._device.example.com", 4, Wildcard::none},
      {"*._device", "sensor7._device.example.com", 3, Wildcard::below_underscore},
      {"*._device, with a service label", "_smtp-client.sensor7._device.example.com", 3, Wildcard::below_underscore},
      {"*._device, many labels", "a.b.c.d._device.example.com", 3, Wildcard::below_underscore},
      {"*.sensor7._device", "_smtp-client.sensor7._device.example.com", 4, Wildcard::other},
      {"web wildcard", "_smtp-client.mta1.example.com", 2, Wildcard::other},
      {"wildcard below a host", "_smtp-client.mta1.example.com", 3, Wildcard::other},
      {"wildcard in a TLD", "_smtp-client.mta1.example.com", 1, Wildcard::other},
      {"wildcard in the root", "_smtp-client.mta1.example.com", 0, Wildcard::other},
      {"*._smtp-client", "x._smtp-client.example.com", 3, Wildcard::below_underscore},
      {"above the underscore label", "x._smtp-client.example.com", 2, Wildcard::other},
      {"an underscore that does not begin the label", "a.my_device.example.com", 3, Wildcard::other},
      {"the wildcard's own name, asked for", "*._device.example.com", 3, Wildcard::none},
      {"the wildcard's own name, web", "*.example.com", 2, Wildcard::none},
      {"escaped dot, not expanded", "a\\.b.example.com", 3, Wildcard::none},
      {"decimal escape, not expanded", "a\\046b.example.com", 3, Wildcard::none},
      {"escaped dot before _device is no label border", "x.y\\._device.example.com", 3, Wildcard::other},
      {"escaped backslash and a border", "x.y\\\\._device.example.com", 3, Wildcard::below_underscore},
  };
  for (const Case& c : cases) {
    INFO(c.label);
    CHECK(static_cast<int>(classify_wildcard(c.owner, c.rrsig_labels)) == static_cast<int>(c.expected));
  }
}

TEST_CASE("an owner with fewer labels than its signature counts is never a good wildcard") {
  // RFC 4035 section 5.3.1 forbids it; if it ever comes, it must not open a door.
  CHECK(classify_wildcard("_device.example", 5) != Wildcard::below_underscore);
  CHECK(classify_wildcard("", 1) != Wildcard::below_underscore);
  CHECK(classify_wildcard("", 0) != Wildcard::below_underscore);
  CHECK(classify_wildcard("\\", 0) != Wildcard::below_underscore);
  CHECK(classify_wildcard("a\\", 1) != Wildcard::below_underscore);
}

TEST_CASE("the log words of the five answers") {
  CHECK(state_of(*danegate::test::secure({})) == "secure");
  CHECK(state_of(*danegate::test::absent()) == "absent");
  CHECK(state_of(*danegate::test::insecure()) == "insecure");
  CHECK(state_of(*danegate::test::bogus()) == "bogus");
  for (const FailureKind kind : {FailureKind::timeout, FailureKind::server_failure, FailureKind::overload})
    CHECK(state_of(*danegate::test::failed(kind)) == "failed");
}
