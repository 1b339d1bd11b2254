// What could not be looked up for a message, so that its other recipients do not wait for it again.
//
// A message with fifty recipients makes fifty verdicts, and the same names belong to each. Only failures are
// remembered: whatever DNS does say is the cache's, and is valid for as long as DNS says. Pure; time is an argument;
// not thread-safe; bounded: the message that was noted longest ago is forgotten first.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_answer.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace danegate::service {

class MessageMemory {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::size_t max_messages = 8192;
  static constexpr std::size_t max_names = 64;  ///< of one message: as many as limits.names-per-request can be
  static constexpr std::chrono::minutes age{5}; ///< since the first failure

  /// Null: nothing is remembered.
  core::AnswerPtr find(const std::string& message, const core::DnsName& name, Time now) const;

  /// Keeps bogus answers and failures other than overload; nothing where `message` is empty.
  void note(const std::string& message, const core::DnsName& name, const core::AnswerPtr& answer, Time now);

  std::size_t size() const noexcept { return messages_.size(); }

private:
  struct Message {
    Time since;
    std::vector<std::pair<core::DnsName, core::AnswerPtr>> failures;
  };

  void drop_first();

  std::unordered_map<std::string, Message> messages_;
  std::list<std::string> order_; ///< the front is the oldest
};

} // namespace danegate::service
