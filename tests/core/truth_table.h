// The axes of the truth table: every answer state, every kind of evidence, every outcome that a rule can ask for.
//
// What is expected of a combination is computed here from tables that were written down by hand from the documents
// (DESIGN.md sections 2, 3, 4 and 5, RFC 7671), never by calling the product's own functions.
#pragma once

#include "tests/core/flow_driver.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::test {

// --- evidence ----------------------------------------------------------------------------------------------------

struct EvidenceKind {
  const char* label;
  Evidence evidence;
  const char* problem;               ///< the reason that decides without DNS; null: judged by records
  std::optional<std::size_t> column; ///< of the letters of RecordRow
};

inline std::vector<EvidenceKind> evidence_kinds() {
  const auto digests = [](const char* certificate, const char* key) {
    Evidence e;
    e.tls = true;
    if (certificate != nullptr) e.certificate_digest = digest(certificate);
    if (key != nullptr) e.key_digest = digest(key);
    return e;
  };
  Evidence silent = digests(nullptr, nullptr);
  silent.complete = false;
  Evidence full = digests(nullptr, nullptr);
  full.certificate = right_certificate();
  return {
      {"no TLS", Evidence{}, "no-tls", {}},
      {"incomplete", silent, "no-evidence", {}},
      {"no credential", digests(nullptr, nullptr), "no-certificate", {}},
      {"weak digest", digests(vectors::cert_md5, vectors::key_md5), "weak-digest", {}},
      {"known constant", digests(vectors::exim_sha256, nullptr), "bad-evidence", {}},
      {"certificate digest only", digests(vectors::cert_sha256, nullptr), nullptr, 0},
      {"both digests", digests(vectors::cert_sha256, vectors::key_sha256), nullptr, 1},
      {"raw key", digests(nullptr, vectors::key_sha256), nullptr, 2},
      {"certificate at hand", full, nullptr, 3},
      {"SHA-512 digests", digests(vectors::cert_sha512, vectors::key_sha512), nullptr, 4},
  };
}

// --- answers -----------------------------------------------------------------------------------------------------

struct AnswerState {
  std::string label;
  const char* helo;
  AnswerPtr answer;    ///< null: the name is not looked up
  const char* reason;  ///< null: secure, the letters say
  std::string letters; ///< per evidence column: M match, D differs, U unusable
  bool web_wildcard = false;
};

struct RecordRow {
  const char* label;
  std::vector<TlsaRecord> records;
  const char* letters; ///< certificate digest only, both, raw key, certificate at hand, SHA-512 digests
};

inline std::vector<RecordRow> record_rows() {
  const TlsaRecord spki256 = record(3, 1, 1, from_hex(vectors::key_sha256));
  const TlsaRecord spki512 = record(3, 1, 2, from_hex(vectors::key_sha512));
  const TlsaRecord other_spki256 = record(3, 1, 1, from_hex(vectors::other_key_sha256));
  const TlsaRecord other_spki512 = record(3, 1, 2, from_hex(vectors::other_key_sha512));
  return {
      {"3 1 1", {spki256}, "UMMMU"},
      {"3 0 1", {record(3, 0, 1, from_hex(vectors::cert_sha256))}, "MMUMU"},
      {"3 1 1, another key", {other_spki256}, "UDDDU"},
      {"2 1 1", {record(2, 1, 1, from_hex(vectors::key_sha256))}, "UUUUU"},
      {"3 1 0", {record(3, 1, 0, octets(vectors::key_text))}, "UMMMM"},
      {"3 0 0", {record(3, 0, 0, octets(vectors::cert_text))}, "MMUMM"},
      {"3 1 2", {spki512}, "UUUMM"},
      {"3 0 2", {record(3, 0, 2, from_hex(vectors::cert_sha512))}, "UUUMM"},
      {"3 0 1, another certificate", {record(3, 0, 1, from_hex(vectors::other_cert_sha256))}, "DDUDU"},
      {"3 1 0, another key", {record(3, 1, 0, octets(vectors::other_key_text))}, "UDDDD"},
      {"3 0 0, another certificate", {record(3, 0, 0, octets(vectors::other_cert_text))}, "DDUDD"},
      {"both keys of a rollover", {other_spki256, spki256}, "UMMMU"},
      {"agility: the stronger digest is of another key", {spki256, other_spki512}, "UMMDD"},
      {"0 0 1", {record(0, 0, 1, from_hex(vectors::cert_sha256))}, "UUUUU"},
      {"wrong length", {record(3, 1, 1, Bytes(31, 0x2a))}, "UUUUU"},
      {"unknown usage", {record(4, 1, 1, from_hex(vectors::key_sha256))}, "UUUUU"},
      {"unknown selector", {record(3, 2, 1, from_hex(vectors::key_sha256))}, "UUUUU"},
      {"unknown matching type", {record(3, 1, 3, from_hex(vectors::key_sha256))}, "UUUUU"},
      {"unusable beside another key", {record(2, 1, 1, from_hex(vectors::key_sha256)), other_spki256}, "UDDDU"},
  };
}

inline std::vector<AnswerState> answer_states() {
  constexpr const char* listed = "mta1.acme.example";
  std::vector<AnswerState> states;
  const std::vector<RecordRow> rows = record_rows();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    states.push_back({rows[i].label, listed, secure(rows[i].records), nullptr, rows[i].letters});
    if (i >= 4) continue; // one match of each kind, one mismatch and one unusable through wildcards, too
    states.push_back({std::string(rows[i].label) + " from *._device", listed,
                      secure(rows[i].records, Wildcard::below_underscore), nullptr, rows[i].letters});
    states.push_back({std::string(rows[i].label) + " from a web wildcard", listed,
                      secure(rows[i].records, Wildcard::other), nullptr, rows[i].letters, true});
  }
  states.push_back({"unreadable records only", listed, answer_of(Secure{{}, 2, Wildcard::none}), nullptr, "UUUUU"});
  std::vector<TlsaRecord> many(64, other_key());
  many.push_back(right_key());
  states.push_back({"too many records", listed, secure(many), "overload", ""});
  states.push_back({"absent", listed, absent(), "no-record", ""});
  states.push_back({"insecure", listed, insecure(), "insecure", ""});
  states.push_back({"bogus", listed, bogus(), "bogus", ""});
  states.push_back({"timeout", listed, failed(FailureKind::timeout), "dns-timeout", ""});
  states.push_back({"server failure", listed, failed(FailureKind::server_failure), "dns-failure", ""});
  states.push_back({"overload", listed, failed(FailureKind::overload), "overload", ""});
  states.push_back({"not listed", "mta1.gamma.example", nullptr, "not-listed", ""});
  states.push_back({"no name", "unknown", nullptr, "no-name", ""});
  return states;
}

// --- rules -------------------------------------------------------------------------------------------------------

/// Who may satisfy the rule, and whether that names the client in full.
enum class Naming : unsigned char { in_full, by_pattern, anybody, another, granted, not_granted };

/// All but `by_pattern`, `anybody` and `another` name mta1.acme.example in full.
inline bool names_in_full(Naming naming) {
  return naming == Naming::in_full || naming == Naming::granted || naming == Naming::not_granted;
}

struct RuleKind {
  std::string label;
  bool rule = true; ///< false: no rule holds
  Mode mode = Mode::enforce;
  Naming naming = Naming::anybody;
  std::array<Action, 5> actions{Action::tag, Action::reject, Action::reject, Action::defer, Action::defer};
  Action default_action = Action::tag;
};

inline constexpr std::array<const char*, 5> branch_names{"on-pass", "on-fail", "on-none", "on-unpublished",
                                                         "on-temperror"};

/// Each branch with each action that a configuration allows it, the other branches at their defaults.
inline std::vector<RuleKind> rule_kinds() {
  std::vector<RuleKind> kinds;
  for (const Action a : {Action::tag, Action::reject, Action::defer, Action::hold})
    kinds.push_back({.label = "no rule, default " + std::string(token(a)), .rule = false, .default_action = a});
  for (const Mode mode : {Mode::enforce, Mode::monitor}) {
    for (const Naming naming : {Naming::in_full, Naming::by_pattern, Naming::anybody, Naming::another, Naming::granted,
                                Naming::not_granted}) {
      for (std::size_t branch = 0; branch < branch_names.size(); ++branch) {
        for (const Action a : {Action::tag, Action::permit, Action::reject, Action::defer, Action::hold}) {
          if (a == Action::permit && (branch != 0 || naming == Naming::anybody))
            continue; // refused by the configuration
          RuleKind kind{.label = std::string(token(mode)) + " " + branch_names.at(branch) + "=" +
                                 std::string(token(a)) + " naming " + std::to_string(static_cast<int>(naming)),
                        .mode = mode,
                        .naming = naming};
          kind.actions.at(branch) = a;
          kinds.push_back(kind);
        }
      }
    }
  }
  return kinds;
}

inline Scene scene_of(const RuleKind& kind) {
  Scene scene;
  scene.lookup_domains = {"acme.example"};
  scene.default_action = kind.default_action;
  if (!kind.rule) return scene;
  Rule rule;
  rule.name = "acme";
  rule.senders = {senders("acme.example")};
  rule.mode = kind.mode;
  switch (kind.naming) {
  case Naming::in_full: rule.identities = {identities("mta1.acme.example")}; break;
  case Naming::by_pattern: rule.identities = {identities("*.acme.example")}; break;
  case Naming::anybody: break;
  case Naming::another: rule.identities = {identities("mta2.acme.example")}; break;
  case Naming::granted:
  case Naming::not_granted: {
    rule.identities = {identities("mta1.acme.example")};
    auto grants = std::make_shared<Grants>();
    grants->add(identity("mta1.acme.example"),
                senders(kind.naming == Naming::granted ? "acme.example" : "beta.example"));
    rule.grants = grants;
    break;
  }
  }
  rule.on_pass = kind.actions[0];
  rule.on_fail = kind.actions[1];
  rule.on_none = kind.actions[2];
  rule.on_unpublished = kind.actions[3];
  rule.on_temperror = kind.actions[4];
  scene.rules = {rule};
  return scene;
}

// --- what is expected --------------------------------------------------------------------------------------------

struct ReasonRow {
  std::string_view reason;
  std::string_view result;
  std::size_t branch; ///< of branch_names
};

/// DESIGN.md section 2's table, with section 5's settings.
inline constexpr std::array<ReasonRow, 18> reason_rows{{
    {"match", "pass", 0},
    {"not-allowed", "policy", 1},
    {"sender-not-allowed", "policy", 1},
    {"mismatch", "fail", 1},
    {"unusable", "fail", 1},
    {"no-tls", "none", 2},
    {"no-certificate", "none", 2},
    {"no-name", "none", 2},
    {"not-listed", "none", 2},
    {"no-record", "none", 3},
    {"insecure", "none", 3},
    {"bogus", "temperror", 4},
    {"dns-timeout", "temperror", 4},
    {"dns-failure", "temperror", 4},
    {"overload", "temperror", 4},
    {"weak-digest", "permerror", 4},
    {"bad-evidence", "permerror", 4},
    {"no-evidence", "permerror", 4},
}};

inline const ReasonRow& row_of(std::string_view reason) {
  for (const ReasonRow& row : reason_rows)
    if (row.reason == reason) return row;
  throw std::logic_error("no such reason");
}

/// The reason that DESIGN.md gives this combination. `kind` null: judged by the service's default.
inline std::string_view expected_reason(const AnswerState& state, const EvidenceKind& evidence, const RuleKind* kind) {
  if (evidence.problem != nullptr) return evidence.problem;
  if (state.reason != nullptr) return state.reason;
  if (state.web_wildcard && (kind == nullptr || !names_in_full(kind->naming))) return "unusable";
  switch (state.letters.at(*evidence.column)) {
  case 'M':
    if (kind != nullptr && kind->naming == Naming::another) return "not-allowed";
    return kind != nullptr && kind->naming == Naming::not_granted ? "sender-not-allowed" : "match";
  case 'D': return "mismatch";
  default: return "unusable";
  }
}

// --- all of it ---------------------------------------------------------------------------------------------------

struct Combination {
  const AnswerState& state;
  const EvidenceKind& evidence;
  const RuleKind& kind;
  const Run& run;
};

/// Drives a flow for every combination. `cached`: the answers come from the cache, and a re-query brings the same
/// again.
inline std::size_t for_each_combination(bool cached, const std::function<void(const Combination&)>& look) {
  std::size_t count = 0;
  const std::vector<EvidenceKind> evidences = evidence_kinds();
  const std::vector<AnswerState> states = answer_states();
  const std::vector<RuleKind> kinds = rule_kinds();
  for (const RuleKind& kind : kinds) {
    Scene scene = scene_of(kind);
    const std::shared_ptr<const RuleSet> rules = scene.rule_set();
    for (const AnswerState& state : states) {
      scene.claims.helo = state.helo;
      const Scripts scripts{{std::string("_smtp-client.") + state.helo, {state.answer, cached, state.answer}}};
      for (const EvidenceKind& evidence : evidences) {
        scene.evidence = evidence.evidence;
        const Run result = run(scene.flow(rules), scripts);
        look({state, evidence, kind, result});
        ++count;
      }
    }
  }
  return count;
}

} // namespace danegate::test
