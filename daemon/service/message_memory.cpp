#include "daemon/service/message_memory.h"

#include <algorithm>

namespace danegate::service {

core::AnswerPtr MessageMemory::find(const std::string& message, const core::DnsName& name, Time now) const {
  const auto found = messages_.find(message);
  if (found == messages_.end() || now - found->second.since >= age) return nullptr;
  const auto& failures = found->second.failures;
  const auto failure = std::ranges::find(
      failures, name, [](const auto& entry) -> const auto& { return entry.first; });
  return failure == failures.end() ? nullptr : failure->second;
}

void MessageMemory::note(const std::string& message, const core::DnsName& name, const core::AnswerPtr& answer,
                         Time now) {
  if (message.empty() || core::is_definite(*answer) || core::is_overload(*answer)) return;
  while (!order_.empty() && now - messages_.at(order_.front()).since >= age)
    drop_first();
  auto found = messages_.find(message);
  if (found == messages_.end()) {
    if (messages_.size() >= max_messages) drop_first();
    order_.push_back(message);
    found = messages_.emplace(message, Message{now, {}}).first;
  }
  auto& failures = found->second.failures;
  const auto same = [&](const auto& entry) { return entry.first == name; };
  if (failures.size() < max_names && std::ranges::none_of(failures, same)) failures.emplace_back(name, answer);
}

void MessageMemory::drop_first() {
  messages_.erase(order_.front());
  order_.pop_front();
}

} // namespace danegate::service
