#include "daemon/dns/anchor_health.h"

#include "tests/dns/recorded_answers.h"
#include "tests/support/catch.h"

using namespace danegate;
using dns::AnchorHealth;

namespace {

dns::UnboundReply keys_found() {
  dns::UnboundReply reply;
  reply.secure = reply.havedata = true;
  return reply;
}

dns::UnboundReply bogus(std::string why) {
  dns::UnboundReply reply;
  reply.bogus = true;
  reply.why_bogus = std::move(why);
  return reply;
}

dns::UnboundReply error_code(int rcode) {
  dns::UnboundReply reply;
  reply.rcode = rcode;
  return reply;
}

dns::UnboundReply own_error(std::string why) {
  dns::UnboundReply reply;
  reply.error = std::move(why);
  return reply;
}

dns::UnboundReply data(bool secure, bool havedata) {
  dns::UnboundReply reply;
  reply.secure = secure;
  reply.havedata = havedata;
  return reply;
}

} // namespace

TEST_CASE("judge_anchor: network, clock and anchor are told apart") {
  const auto words = [](const char* label) { return danegate::test::recorded_answer(label).reply.why_bogus; };

  struct Row {
    const char* what;
    dns::UnboundReply reply;
    AnchorHealth health;
    const char* message;
  };

  const Row rows[] = {
      {"keys that fit", keys_found(), AnchorHealth::ok, "trust anchor of zone branch.example works"},
      {"SERVFAIL", error_code(2), AnchorHealth::network, "is the network up"},
      {"REFUSED", error_code(5), AnchorHealth::network, "is the network up"},
      {"libunbound failed", own_error("nobody answered in time"), AnchorHealth::network, "nobody answered in time"},
      {"expired", bogus(words("expired")), AnchorHealth::clock, "is this machine's clock right?"},
      {"not yet valid", bogus(words("not-yet-valid")), AnchorHealth::clock, "is this machine's clock right?"},
      {"wrong signature", bogus(words("broken-signature")), AnchorHealth::anchor, "is the anchor out of date?"},
      {"bogus without a reason", bogus(""), AnchorHealth::anchor, "is the anchor out of date?"},
      {"anchor ignored", data(false, true), AnchorHealth::anchor, "has no effect"},
      {"no keys at all", data(true, false), AnchorHealth::anchor, "has no effect"},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    const auto check = dns::judge_anchor("branch.example", row.reply);
    CHECK(check.owner == "branch.example");
    CHECK(describe(check.health) == describe(row.health));
    CHECK(check.message.contains(row.message));
  }
  CHECK(dns::judge_anchor(".", keys_found()).message.contains("the root zone"));
  CHECK(dns::judge_anchor(".", bogus(std::string(5000, 'x'))).message.size() < 1000);
}

TEST_CASE("SelfTestReport: ok only if every anchor is") {
  const auto good = dns::judge_anchor(".", keys_found());
  const auto bad = dns::judge_anchor("branch.example", error_code(2));
  CHECK(dns::SelfTestReport{{good, good}}.ok());
  CHECK_FALSE(dns::SelfTestReport{{good, bad}}.ok());
}
