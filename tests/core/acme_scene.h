// A session of the partner acme.example, whose rule has the defaults of the manual, and the answers that it may meet.
#pragma once

#include "tests/core/flow_driver.h"

#include <string>
#include <utility>

namespace danegate::test {

/// What `_smtp-client.{helo}` makes of the session's EHLO name.
inline constexpr const char* helo_owner = "_smtp-client.mta1.acme.example";

/// senders = acme.example, so that its names are listed; the rest as the defaults of the manual.
inline Rule acme_rule() {
  Rule r;
  r.name = "acme";
  r.senders = {senders("acme.example")};
  return r;
}

inline Scene acme_scene(Rule rule = acme_rule()) {
  Scene scene;
  scene.rules = {std::move(rule)};
  return scene;
}

inline AnswerPtr matching() {
  return secure({right_key()});
}

inline AnswerPtr differing() {
  return secure({other_key()});
}

inline AnswerPtr not_usable() {
  return secure({unusable_record()});
}

/// "pass match tag"
inline std::string words(const Outcome& o) {
  std::string text(token(o.result()));
  return text.append(" ").append(token(o.reason)).append(" ").append(token(o.action));
}

} // namespace danegate::test
