#include "policy/message_table.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate;
using namespace danegate::policy;
using namespace std::chrono_literals;
using core::Reason;
using Standing = MessageTable::Standing;

namespace {

constexpr MessageTable::Time start{};
const std::string key = "64cf.6b021a11.2699f.0\nsmtp";

MessageVerdict good(std::string field = {}, Reason reason = Reason::match) {
  return {true, reason, std::move(field)};
}

MessageVerdict bad() {
  return {false, Reason::mismatch, "never seen"};
}

struct Rcpt {
  std::string recipient;
  bool let_through;
};

} // namespace

TEST_CASE("message table: do the verdicts at RCPT account for every accepted recipient?") {
  struct Row {
    const char* label;
    std::vector<Rcpt> asked;
    std::string recipient; ///< at DATA
    std::optional<std::size_t> count;
    Standing standing;
  };

  const std::vector<Row> rows{
      {"never asked", {}, "postmaster", 1, Standing::unknown},
      {"never asked, several", {}, "", 2, Standing::unknown},
      {"one", {{"b@x", true}}, "b@x", 1, Standing::stands},
      {"one, asked through three lists", {{"b@x", true}, {"b@x", true}, {"b@x", true}}, "b@x", 1, Standing::stands},
      {"three", {{"b@x", true}, {"c@x", true}, {"d@x", true}}, "", 3, Standing::stands},
      {"three, each asked twice",
       {{"b@x", true}, {"b@x", true}, {"c@x", true}, {"c@x", true}, {"d@x", true}, {"d@x", true}},
       "",
       3,
       Standing::stands},
      {"one refused, one exempt", {{"b@x", false}, {"abuse@x", true}}, "abuse@x", 1, Standing::stands},
      {"let through by us, refused by Postfix", {{"b@x", true}, {"nobody@x", true}}, "b@x", 1, Standing::stands},
      {"two of three accepted", {{"b@x", true}, {"c@x", true}, {"nobody@x", true}}, "", 2, Standing::stands},

      {"bare postmaster beside a refused one", {{"b@x", false}}, "postmaster", 1, Standing::unaccounted},
      {"bare postmaster beside an exempt one", {{"abuse@x", true}}, "", 2, Standing::unaccounted},
      {"bare postmaster in other letters", {{"b@x", false}}, "PostMaster", 1, Standing::unaccounted},
      {"bare postmaster beside one that Postfix refused", {{"nobody@x", true}}, "postmaster", 1, Standing::unaccounted},
      {"two lists are not two recipients", {{"abuse@x", true}, {"abuse@x", true}}, "", 2, Standing::unaccounted},
      {"a refused one does not count", {{"abuse@x", true}, {"b@x", false}}, "", 2, Standing::unaccounted},
      {"first list lets through, second refuses", {{"b@x", true}, {"b@x", false}}, "b@x", 1, Standing::unaccounted},
      {"deferred, then accepted", {{"b@x", false}, {"b@x", true}}, "b@x", 1, Standing::stands},
      {"given twice in SMTP", {{"b@x", true}, {"b@x", true}}, "", 2, Standing::unaccounted},

      {"no count, one recipient", {{"b@x", true}}, "b@x", std::nullopt, Standing::stands},
      {"no count, another recipient", {{"b@x", true}}, "postmaster", std::nullopt, Standing::unaccounted},
      {"no count, no recipient", {{"b@x", true}}, "", std::nullopt, Standing::unaccounted},
      {"count of none", {{"b@x", true}}, "b@x", 0, Standing::unaccounted},
      {"one, but unnamed", {{"b@x", true}}, "", 1, Standing::unaccounted},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    MessageTable table{MessageLimits{}};
    for (const Rcpt& rcpt : row.asked) {
      table.at_rcpt(key, rcpt.recipient, rcpt.let_through ? good() : bad(), start);
    }
    CHECK(table.standing(key, row.recipient, row.count, start) == row.standing);
  }
}

TEST_CASE("message table: a verdict for the whole message") {
  MessageTable table{MessageLimits{}};
  table.at_data(key, bad(), start);
  CHECK(table.standing(key, "", 2, start) == Standing::unknown); // DATA once more: no easier than before
  table.at_data(key, good(), start);
  CHECK(table.standing(key, "", 2, start) == Standing::stands);
  table.at_data(key, bad(), start);
  CHECK(table.standing(key, "", 2, start) == Standing::unknown);
}

TEST_CASE("message table: one message, one service says nothing for another") {
  MessageTable table{MessageLimits{}};
  table.at_rcpt(key, "b@x", good("field"), start);
  CHECK(table.standing(key + "2", "b@x", 1, start) == Standing::unknown);
  CHECK(table.take_field(key + "2", start).empty());
}

TEST_CASE("message table: the field is that of the worst verdict, once") {
  struct Row {
    const char* label;
    std::vector<Reason> reasons;
    std::size_t worst;
  };

  const std::vector<Row> rows{
      {"one", {Reason::match}, 0},
      {"anything is worse than a pass", {Reason::match, Reason::no_tls, Reason::match}, 1},
      {"doubt wins", {Reason::mismatch, Reason::dns_timeout, Reason::no_record}, 1},
      {"doubt stays", {Reason::bogus, Reason::mismatch, Reason::match}, 0},
      {"fail before none", {Reason::no_certificate, Reason::mismatch}, 1},
      {"policy before fail", {Reason::mismatch, Reason::not_allowed}, 1},
      {"the first of equals", {Reason::match, Reason::match}, 0},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    MessageTable table{MessageLimits{}};
    for (std::size_t i = 0; i < row.reasons.size(); ++i) {
      table.at_rcpt(key, "r" + std::to_string(i), good("field" + std::to_string(i), row.reasons[i]), start);
      table.at_rcpt(key, "refused", bad(), start);
    }
    CHECK(table.take_field(key, start) == "field" + std::to_string(row.worst));
    CHECK(table.take_field(key, start).empty());
    table.at_data(key, good("late", Reason::overload), start);
    CHECK(table.take_field(key, start).empty());
  }
}

TEST_CASE("message table: what is worse, for every pair") {
  for (const core::ReasonInfo& a : core::reason_table) {
    for (const core::ReasonInfo& b : core::reason_table) {
      INFO(a.token << ' ' << b.token);
      CHECK_FALSE((core::is_worse(a.reason, b.reason) && core::is_worse(b.reason, a.reason)));
      if (a.reason != b.reason) CHECK((core::is_worse(a.reason, b.reason) || core::is_worse(b.reason, a.reason)));
    }
    CHECK_FALSE(core::is_worse(Reason::match, a.reason));
  }
}

TEST_CASE("message table: forgets by age since the last question") {
  MessageTable table{MessageLimits{}};
  table.at_rcpt(key, "b@x", good(), start);
  CHECK(table.standing(key, "b@x", 1, start + 59min) == Standing::stands);
  CHECK(table.standing(key, "b@x", 1, start + 118min) == Standing::stands);
  CHECK(table.standing(key, "b@x", 1, start + 178min) == Standing::unknown);
  CHECK(table.size() == 0);
  CHECK(table.octets() == 0);

  table.at_rcpt("old", "b@x", good(), start);
  table.at_rcpt("new", "b@x", good(), start + 1h);
  CHECK(table.size() == 1);
}

TEST_CASE("message table: bounded by messages, the longest unasked goes") {
  MessageLimits limits;
  limits.messages = 3;
  MessageTable table{limits};
  for (const char* const name : {"a", "b", "c"})
    table.at_rcpt(name, "r@x", good(), start);
  CHECK(table.standing("a", "r@x", 1, start) == Standing::stands);
  table.at_rcpt("d", "r@x", good(), start);
  CHECK(table.size() == 3);
  CHECK(table.standing("b", "r@x", 1, start) == Standing::unknown);
  for (const char* const name : {"a", "c", "d"})
    CHECK(table.standing(name, "r@x", 1, start) == Standing::stands);
}

TEST_CASE("message table: a message that takes another's place has nothing of it") {
  MessageLimits limits;
  limits.messages = 1;
  MessageTable table{limits};
  table.at_rcpt("a", "r@x", good("field of a"), start);
  table.at_data("a", good("field of a"), start);
  const std::size_t octets = table.octets();
  table.at_rcpt("b", "s@x", MessageVerdict{}, start); // nobody is let through
  CHECK(table.size() == 1);
  CHECK(table.octets() < octets);
  CHECK(table.standing("a", "r@x", 1, start) == Standing::unknown);
  for (const char* const recipient : {"r@x", "s@x", ""})
    CHECK(table.standing("b", recipient, 1, start) == Standing::unaccounted);
  CHECK(table.take_field("b", start).empty());
  table.at_data("c", good(), start);
  CHECK(table.standing("c", "", 7, start) == Standing::stands);
  CHECK(table.standing("b", "s@x", 1, start) == Standing::unknown);
}

TEST_CASE("message table: bounded by octets, and its books balance") {
  MessageLimits limits;
  limits.octets = 100000;
  MessageTable table{limits};
  for (int message = 0; message < 200; ++message) {
    const std::string name = std::to_string(message);
    for (int rcpt = 0; rcpt < 10; ++rcpt) {
      table.at_rcpt(name, std::string(500, 'x') + std::to_string(rcpt), good(std::string(300, 'f')), start);
      CHECK(table.octets() <= limits.octets);
    }
    CHECK(table.standing(name, "", 10, start) == Standing::stands);
  }
  CHECK(table.size() < 20);
  CHECK(table.standing("0", "", 10, start) == Standing::unknown);
  table.at_rcpt("last", "r", good(), start + 2h);
  CHECK(table.size() == 1);
  CHECK(table.octets() < 1000);
}

TEST_CASE("message table: too many recipients of one message are judged, not guessed") {
  MessageLimits limits;
  limits.recipients = 5;
  MessageTable table{limits};
  for (int rcpt = 0; rcpt < 5; ++rcpt)
    table.at_rcpt(key, std::to_string(rcpt), good(), start);
  CHECK(table.standing(key, "", 5, start) == Standing::stands);
  table.at_rcpt(key, "5", good(), start);
  CHECK(table.standing(key, "", 5, start) == Standing::unaccounted);
  CHECK(table.standing(key, "0", 1, start) == Standing::unaccounted);
}
