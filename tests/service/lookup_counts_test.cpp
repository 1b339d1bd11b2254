#include "daemon/service/lookup_counts.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate;
using service::LookupCounts;
using service::LookupOutcome;

TEST_CASE("every outcome of a lookup has its count") {
  struct Row {
    core::TlsaOutcome outcome;
    LookupOutcome counted;
    std::string_view token;
  };

  const std::vector<Row> rows{
      {core::Secure{}, LookupOutcome::secure, "secure"},
      {core::Absent{}, LookupOutcome::absent, "absent"},
      {core::Insecure{}, LookupOutcome::insecure, "insecure"},
      {core::Bogus{"why"}, LookupOutcome::bogus, "bogus"},
      {core::Failed{core::FailureKind::timeout, ""}, LookupOutcome::timeout, "timeout"},
      {core::Failed{core::FailureKind::server_failure, ""}, LookupOutcome::failure, "failure"},
      {core::Failed{core::FailureKind::overload, ""}, LookupOutcome::overload, "overload"},
  };
  REQUIRE(rows.size() == service::lookup_outcome_tokens.size());
  const auto counts = std::make_shared<LookupCounts>();
  int handled = 0;
  for (const auto& [outcome, counted, token] : rows) {
    INFO(token);
    CHECK(service::lookup_outcome_tokens.at(static_cast<std::size_t>(counted)) == token);
    const auto answer = std::make_shared<const core::TlsaAnswer>(core::TlsaAnswer{outcome, {}});
    auto handler = service::timed(counts, [&](const core::AnswerPtr& got) {
      CHECK(got == answer);
      ++handled;
    });
    CHECK(counts->outcomes.at(static_cast<std::size_t>(counted)) == 0);
    handler(answer);
    CHECK(counts->outcomes.at(static_cast<std::size_t>(counted)) == 1);
  }
  CHECK(handled == 7);
  std::uint64_t timed = 0;
  for (const auto each : counts->durations.counts())
    timed += each;
  CHECK(timed == 7);
}
