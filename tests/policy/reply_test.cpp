#include "policy/reply.h"
#include "daemon/core/refusal.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace danegate;
using namespace danegate::policy;
using core::Action;
using core::Mode;
using core::Reason;

namespace {

constexpr std::string_view ref = "7K3QZ9AB";

core::Outcome outcome(Action action, Reason reason, const core::Rule* rule = nullptr, Mode mode = Mode::enforce) {
  core::Outcome made;
  made.action = action;
  made.reason = reason;
  made.rule = rule;
  made.mode = mode;
  return made;
}

/// What has to hold of every reply, whatever goes in.
void check_shape(std::string_view reply) {
  CAPTURE(reply);
  REQUIRE(reply.starts_with("action="));
  REQUIRE(reply.ends_with("\n\n"));
  const std::string_view action = reply.substr(7, reply.size() - 9);
  CHECK_FALSE(action.empty());
  CHECK(std::ranges::all_of(action, [](char c) { return c >= ' ' && c <= '~'; }));
}

} // namespace

TEST_CASE("reply: each action") {
  core::Rule rule;
  rule.text = "see https://mx.example.net/danegate";

  struct Row {
    const char* label;
    core::Outcome outcome;
    std::string_view reply;
  };

  const Row rows[]{
      {"tag", outcome(Action::tag, Reason::mismatch, &rule), "action=DUNNO\n\n"},
      {"permit", outcome(Action::permit, Reason::match, &rule), "action=OK\n\n"},
      {"reject", outcome(Action::reject, Reason::mismatch, &rule),
       "action=550 5.7.1 see https://mx.example.net/danegate [ref 7K3QZ9AB]\n\n"},
      {"reject without text", outcome(Action::reject, Reason::no_tls),
       "action=550 5.7.1 This client is not accepted as a source of this mail [ref 7K3QZ9AB]\n\n"},
      {"defer for DNS", outcome(Action::defer, Reason::dns_timeout, &rule),
       "action=451 4.4.3 see https://mx.example.net/danegate [ref 7K3QZ9AB]\n\n"},
      {"defer for overload", outcome(Action::defer, Reason::overload, &rule),
       "action=451 4.3.2 see https://mx.example.net/danegate [ref 7K3QZ9AB]\n\n"},
      {"defer for what the mail server sends", outcome(Action::defer, Reason::weak_digest),
       "action=451 4.3.5 This mail cannot be accepted at the moment, try again later [ref 7K3QZ9AB]\n\n"},
      {"hold", outcome(Action::hold, Reason::mismatch, &rule), "action=HOLD held by danegate [ref 7K3QZ9AB]\n\n"},
      {"reject, monitored", outcome(Action::reject, Reason::mismatch, &rule, Mode::monitor), "action=DUNNO\n\n"},
      {"permit, monitored", outcome(Action::permit, Reason::match, &rule, Mode::monitor), "action=DUNNO\n\n"},
      {"hold, monitored", outcome(Action::hold, Reason::mismatch, &rule, Mode::monitor), "action=DUNNO\n\n"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const std::string reply = verdict_reply(row.outcome, ref);
    check_shape(reply);
    CHECK(reply == row.reply);
  }
}

TEST_CASE("reply: every reason with every action makes one printable line; only tag, permit and hold let through") {
  for (const core::ReasonInfo& info : core::reason_table) {
    for (const Action action : {Action::tag, Action::permit, Action::reject, Action::defer, Action::hold}) {
      INFO(info.token << ' ' << core::token(action));
      const std::string reply = verdict_reply(outcome(action, info.reason), ref);
      check_shape(reply);
      CHECK(core::lets_through(action) == !(reply.starts_with("action=5") || reply.starts_with("action=4")));
      CHECK_FALSE(reply.contains(std::string(" ") + std::string(info.token) + " ")); // the cause stays in the log
    }
  }
}

TEST_CASE("reply: texts that would leave their line, or their place") {
  using namespace std::string_literals;
  const std::string texts[]{"",
                            "a\nb",
                            "a\r\naction=OK\n\n",
                            "\x01\x7F\0\xFF"s,
                            "gr\xC3\xBC\xC3\x9F",
                            "colon: here",
                            std::string(510, 'x'),
                            std::string(100000, 'y')};
  for (const std::string& text : texts) {
    core::Rule rule;
    rule.text = text;
    for (const Action action : {Action::reject, Action::defer}) {
      const std::string reply = verdict_reply(outcome(action, Reason::bogus, &rule), ref);
      check_shape(reply);
      CHECK(reply.size() <= 7 + core::max_refusal + 2);
      CHECK(reply.ends_with(" [ref 7K3QZ9AB]\n\n"));
      CHECK(reply.starts_with(action == Action::reject ? "action=550 5.7.1 " : "action=451 4.4.3 "));
    }
  }
}

TEST_CASE("reply: PREPEND") {
  using namespace std::string_literals;

  struct Row {
    const char* label;
    std::string field;
    std::string reply;
  };

  const std::string longest = "X: " + std::string(max_field - 3, 'y');
  const Row rows[]{
      {"a field", "Authentication-Results: mx.example.net; none",
       "action=PREPEND Authentication-Results: mx.example.net; none\n\n"},
      {"as long as may be", longest, "action=PREPEND " + longest + "\n\n"},
      {"too long", longest + "y", "action=DUNNO\n\n"},
      {"none", "", "action=DUNNO\n\n"},
      {"a newline", "X: a\nb", "action=DUNNO\n\n"},
      {"a NUL", "X: a\0b"s, "action=DUNNO\n\n"},
      {"UTF-8", "X: \xC3\xBC", "action=DUNNO\n\n"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const std::string reply = prepend_reply(row.field);
    check_shape(reply);
    CHECK(reply == row.reply);
  }
}

TEST_CASE("reply: DUNNO") {
  CHECK(dunno_reply() == "action=DUNNO\n\n");
}
