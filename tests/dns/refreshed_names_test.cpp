#include "daemon/dns/refreshed_names.h"

#include "tests/support/catch.h"

#include <string>

using namespace danegate;
using namespace std::chrono_literals;

namespace {

core::DnsName name(const std::string& text) {
  return core::DnsName::parse(text).value();
}

constexpr dns::RefreshedNames::TimePoint start{};

} // namespace

TEST_CASE("RefreshedNames: for the window after the last note, and no longer") {
  dns::RefreshedNames names(60s);
  CHECK_FALSE(names.contains(name("a.example"), start));
  names.note(name("a.example"), start);
  CHECK(names.contains(name("a.example"), start + 59s));
  CHECK_FALSE(names.contains(name("a.example"), start + 60s));
  CHECK_FALSE(names.contains(name("b.example"), start));
  names.note(name("a.example"), start + 30s);
  CHECK(names.contains(name("a.example"), start + 89s));
  CHECK_FALSE(names.contains(name("a.example"), start + 90s));
}

TEST_CASE("RefreshedNames: what is over is forgotten, and a renewed name is not old") {
  dns::RefreshedNames names(60s);
  names.note(name("a.example"), start);
  names.note(name("b.example"), start + 10s);
  names.note(name("a.example"), start + 20s);
  names.note(name("c.example"), start + 75s);
  CHECK(names.size() == 2); // b is gone, a is not
  CHECK(names.contains(name("a.example"), start + 75s));
}

TEST_CASE("RefreshedNames: bounded; the oldest goes first") {
  dns::RefreshedNames names(60s);
  for (std::size_t i = 0; i < dns::RefreshedNames::max_names + 5; ++i)
    names.note(name("n" + std::to_string(i) + ".example"), start);
  CHECK(names.size() == dns::RefreshedNames::max_names);
  CHECK_FALSE(names.contains(name("n4.example"), start));
  CHECK(names.contains(name("n5.example"), start));
}
