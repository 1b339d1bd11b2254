// The answers that tests/data/dns/make.py recorded from libunbound.
#pragma once

#include "daemon/dns/unbound_answer.h"
#include "tests/support/vector_table.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace danegate::test {

struct RecordedAnswer {
  std::string label;
  core::DnsName name;
  core::Bytes packet;
  dns::UnboundReply reply; ///< without its packet: see whole()

  /// The view must point into this object, wherever it was copied to.
  dns::UnboundReply whole() const {
    auto copy = reply;
    copy.packet = packet;
    return copy;
  }
};

inline std::vector<RecordedAnswer> recorded_answers() {
  std::vector<RecordedAnswer> answers;
  for (const auto& row : read_table("dns/answers.txt", 6)) {
    const auto has = [&](const char* flag) { return row[2].find(flag) != std::string::npos; };
    dns::UnboundReply reply;
    reply.secure = has("secure");
    reply.bogus = has("bogus");
    reply.havedata = has("havedata");
    reply.nxdomain = has("nxdomain");
    reply.rcode = std::stoi(row[3]);
    if (row[4] != "-") reply.why_bogus = row[4];
    answers.push_back({row[0], core::DnsName::parse(row[1]).value(), from_hex(row[5]), std::move(reply)});
  }
  return answers;
}

inline RecordedAnswer recorded_answer(const std::string& label) {
  const auto answers = recorded_answers();
  const auto found = std::ranges::find(answers, label, &RecordedAnswer::label);
  if (found == answers.end()) throw std::runtime_error("no recorded answer " + label);
  return *found;
}

} // namespace danegate::test
