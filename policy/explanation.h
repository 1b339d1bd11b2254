// One request explained: what was asked, every step of the verdict, what the mail server is told. Plain data; text and
// JSON are made from it by explain_text.cpp and explain_json.cpp.
#pragma once

#include "daemon/core/decision.h"
#include "daemon/core/evidence.h"

#include <optional>
#include <string>

namespace danegate::policy {

struct Explanation {
  std::size_t number = 1; ///< of the request, from 1
  std::string state;      ///< protocol_state, as sent
  std::string client;
  std::string helo;
  std::string sender;
  std::string recipient;
  std::string service; ///< empty: none is responsible
  core::Evidence evidence;
  std::string note;                       ///< why there is no verdict, or what else is to be known
  std::optional<core::Decision> decision; ///< absent: no verdict is given for such a request
  std::string reply;                      ///< what follows "action="
};

/// For people: a few lines, each printable ASCII whatever the peer sent.
std::string explain_as_text(const Explanation& explanation);

/// Its part about the names that were tried: what DNS said of each, and what became of the records.
std::string names_as_text(const core::Decision& decision);

/// One JSON object in one line, with its line end. Every key is always there; what does not apply is "", null or [].
std::string explain_as_json(const Explanation& explanation);

} // namespace danegate::policy
