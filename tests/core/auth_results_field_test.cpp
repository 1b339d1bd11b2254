#include "daemon/core/auth_results_field.h"
#include "tests/core/builders.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace danegate::test;

namespace {

/// A decision with one name that decided.
Decision decided(std::string_view identity_text, AnswerPtr answer) {
  Decision decision;
  NameTrace trace;
  const Identity who = identity(identity_text);
  trace.name = OwnerName{dns_name("_smtp-client." + who.domain.text()), who};
  trace.answer = std::move(answer);
  decision.names.push_back(std::move(trace));
  decision.outcome.name = 0;
  return decision;
}

std::string written(const Decision& decision, std::string_view authserv_id = "mx.example.net") {
  return auth_results_field(decision, decision.outcome, authserv_id);
}

bool one_printable_line(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

} // namespace

TEST_CASE("auth results: the example of the manual") {
  Rule rule;
  rule.name = "acme";
  Decision decision = decided("mta1.acme.example", secure({}));
  decision.outcome.rule = &rule;
  decision.outcome.reason = Reason::match;
  CHECK(written(decision) == "Authentication-Results: mx.example.net; x-dane-client=pass reason=\"match\" "
                             "policy.dane-id=mta1.acme.example policy.dane-rule=acme dns.sec=yes");
  CHECK(auth_results_value(decision, decision.outcome, "mx") ==
        "mx; x-dane-client=pass reason=\"match\" policy.dane-id=mta1.acme.example policy.dane-rule=acme dns.sec=yes");
}

TEST_CASE("auth results: every reason; an identity only where it is authenticated") {
  for (const ReasonInfo& info : reason_table) {
    INFO(info.token);
    Decision decision = decided("mta1.acme.example", secure({}));
    decision.outcome.reason = info.reason;
    const std::string field = written(decision);
    CHECK(field.contains("; x-dane-client=" + std::string{token(info.result)} + " reason=\"" + std::string{info.token} +
                         "\" "));
    CHECK(field.contains("policy.dane-id=") == (info.result == Result::pass || info.result == Result::policy));
    CHECK_FALSE(field.contains("policy.dane-rule=")); // no rule decided
  }
}

TEST_CASE("auth results: dns.sec by the answer of the name that decided") {
  struct Row {
    const char* label;
    AnswerPtr answer;
    std::string_view word;
  };

  const Row rows[]{{"signed records", secure({}), "yes"},
                   {"denial proven", absent(), "yes"},
                   {"unsigned", insecure(), "no"},
                   {"bogus", bogus(), "na"},
                   {"failed", failed(FailureKind::timeout), "na"},
                   {"not looked up", nullptr, "na"}};
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK(written(decided("a.example", row.answer)).ends_with(" dns.sec=" + std::string{row.word}));
  }
  Decision nameless = decided("a.example", secure({}));
  nameless.outcome.name.reset();
  nameless.outcome.reason = Reason::no_name;
  CHECK(written(nameless) ==
        "Authentication-Results: mx.example.net; x-dane-client=none reason=\"no-name\" dns.sec=na");
}

TEST_CASE("auth results: identities, quoted where they have to be, left out where they cannot be written") {
  struct Row {
    const char* label;
    std::string local;
    std::string_view written; ///< empty: left out
  };

  const Row rows[]{
      {"plain", "alice", "alice@acme.example"},
      {"dots and plus", "a.b+c", "a.b+c@acme.example"},
      {"a space", "a b", "\"a b@acme.example\""},
      {"a quote and a backslash", "a\"b\\", "\"a\\\"b\\\\@acme.example\""},
      {"what would end the property", "x; x-other=pass", "\"x; x-other=pass@acme.example\""},
      {"a comment", "a(b)", "\"a(b)@acme.example\""},
      {"an @ of its own", "a@b", "\"a@b@acme.example\""},
      {"not a dot-atom", ".a", "\".a@acme.example\""},
      {"two dots", "a..b", "\"a..b@acme.example\""},
      {"an equals sign", "a=b", "\"a=b@acme.example\""},
      {"UTF-8", "b\xC3\xBC", ""},
      {"a newline", "a\nX-Header: b", ""},
      {"a NUL", std::string("a\0b", 3), ""},
      {"too long", std::string(400, 'x'), ""},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    Decision decision = decided("acme.example", secure({}));
    decision.names[0].name->identity.local = row.local;
    decision.outcome.reason = Reason::match;
    const std::string field = written(decision);
    CHECK(one_printable_line(field));
    if (row.written.empty()) {
      CHECK_FALSE(field.contains("dane-id"));
    } else {
      CHECK(field.contains(" policy.dane-id=" + std::string{row.written} + " dns.sec="));
    }
  }
}

TEST_CASE("auth results: authserv-id and rule names are tokens or quoted, printable, and bounded") {
  struct Row {
    const char* label;
    std::string text;
    std::string written;
  };

  const Row rows[]{
      {"a host name", "mx.example.net", "mx.example.net"},
      {"a space", "my mail", "\"my mail\""},
      {"a semicolon", "a;b", "\"a;b\""},
      {"quotes", "a\"b", "\"a\\\"b\""},
      {"empty", "", "\"\""},
      {"a newline", "a\nb", "a?b"},
      {"UTF-8", "b\xC3\xBC", "b??"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    // "?" is no token character (RFC 2045 section 5.1), so what was replaced is quoted.
    const std::string expected = row.written.contains('?') ? "\"" + row.written + "\"" : row.written;
    Rule rule;
    rule.name = row.text;
    Decision decision = decided("a.example", nullptr);
    decision.outcome.rule = &rule;
    const std::string field = written(decision, row.text);
    CHECK(one_printable_line(field));
    CHECK(field.starts_with("Authentication-Results: " + expected + "; "));
    CHECK(field.contains(" policy.dane-rule=" + expected + " "));
  }
}

TEST_CASE("auth results: the longest field is one line of a message") {
  for (const char filler : {'x', '"', '\\', '\xFF', ' '}) {
    INFO(static_cast<int>(filler));
    Rule rule;
    rule.name = std::string(5000, filler);
    Decision decision = decided("acme.example", secure({}));
    decision.names[0].name->identity.local = std::string(max_identity - 1 - 12, filler == '\xFF' ? 'x' : filler);
    decision.outcome.rule = &rule;
    decision.outcome.reason = Reason::sender_not_allowed;
    const std::string field = written(decision, std::string(5000, filler));
    CHECK(one_printable_line(field));
    CHECK(field.size() < 900);
    CHECK(field.ends_with(" dns.sec=yes"));
  }
}
