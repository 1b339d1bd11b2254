#include "policy/message_table.h"

#include <algorithm>
#include <functional>
#include <tuple>
#include <utility>

namespace danegate::policy {
namespace {

/// What the containers cost beside the text: a map node, a list node, a bucket.
constexpr std::size_t message_overhead = 320;
constexpr std::size_t recipient_overhead = 80;

} // namespace

std::vector<MessageTable::Recipient>::iterator MessageTable::place_of(Message& message, std::string_view recipient) {
  return std::ranges::lower_bound(message.recipients, recipient, std::less<>{}, &Recipient::name);
}

void MessageTable::at_rcpt(const std::string& key, std::string_view recipient, MessageVerdict verdict, Time now) {
  Message& message = make(key, now);
  const auto place = place_of(message, recipient);
  if (place != message.recipients.end() && place->name == recipient) {
    if (place->let_through) --message.let_through;
    place->let_through = verdict.let_through;
    if (verdict.let_through) ++message.let_through;
  } else if (message.recipients.size() >= limits_.recipients) {
    message.overflow = true;
  } else {
    message.recipients.emplace(place, std::string{recipient}, verdict.let_through);
    if (verdict.let_through) ++message.let_through;
    charge(message, recipient.size() + recipient_overhead);
  }
  note_field(message, std::move(verdict));
  shrink(now, &message);
}

void MessageTable::at_data(const std::string& key, MessageVerdict verdict, Time now) {
  Message& message = make(key, now);
  message.judged_whole = verdict.let_through;
  note_field(message, std::move(verdict));
  shrink(now, &message);
}

MessageTable::Standing MessageTable::standing(const std::string& key, std::string_view recipient,
                                              std::optional<std::size_t> count, Time now) {
  Message* const message = find(key, now);
  if (message == nullptr) return Standing::unknown;
  if (message->judged_whole) return Standing::stands;
  if (message->recipients.empty()) return Standing::unknown; // DATA was refused before, and is tried again
  if (message->overflow || count == std::size_t{0}) return Standing::unaccounted;
  // Postfix before 2.3 gives no count; it names the recipient only if it is the only one.
  if (!count && recipient.empty()) return Standing::unaccounted;
  if (!count || *count == 1) {
    const auto known = place_of(*message, recipient);
    const bool let_through = known != message->recipients.end() && known->name == recipient && known->let_through;
    return let_through ? Standing::stands : Standing::unaccounted;
  }
  return *count <= message->let_through ? Standing::stands : Standing::unaccounted;
}

std::string MessageTable::take_field(const std::string& key, Time now) {
  Message* const message = find(key, now);
  if (message == nullptr || message->field_taken || message->field.empty()) return {};
  message->field_taken = true;
  return message->field;
}

void MessageTable::touch(Message& message, Time now) {
  message.touched = now;
  recency_.splice(recency_.begin(), recency_, message.recency);
}

MessageTable::Message* MessageTable::find(const std::string& key, Time now) {
  const auto found = messages_.find(key);
  if (found == messages_.end()) return nullptr;
  Message& message = found->second;
  if (now - message.touched >= limits_.age) {
    erase(found);
    return nullptr;
  }
  touch(message, now);
  return &message;
}

MessageTable::Message& MessageTable::make(const std::string& key, Time now) {
  auto [place, is_new] = messages_.try_emplace(key);
  if (!is_new && now - place->second.touched >= limits_.age) {
    erase(place);
    std::tie(place, is_new) = messages_.try_emplace(key);
  }
  Message& message = place->second;
  if (!is_new) {
    touch(message, now);
    return message;
  }
  recency_.push_front(&*place);
  message.recency = recency_.begin();
  message.touched = now;
  charge(message, key.size() + message_overhead);
  return message;
}

void MessageTable::note_field(Message& message, MessageVerdict verdict) {
  if (!verdict.let_through || verdict.field.empty()) return;
  if (!message.field.empty() && !core::is_worse(verdict.reason, message.reason)) return;
  octets_ -= message.field.size();
  message.octets -= message.field.size();
  message.reason = verdict.reason;
  message.field = std::move(verdict.field);
  charge(message, message.field.size());
}

void MessageTable::charge(Message& message, std::size_t octets) {
  message.octets += octets;
  octets_ += octets;
}

void MessageTable::shrink(Time now, const Message* spared) {
  while (!recency_.empty()) {
    const auto& [key, oldest] = *recency_.back();
    const bool expired = now - oldest.touched >= limits_.age;
    const bool full = messages_.size() > limits_.messages || octets_ > limits_.octets;
    if (&oldest == spared || (!expired && !full)) return;
    erase(messages_.find(key));
  }
}

void MessageTable::erase(Messages::iterator message) {
  octets_ -= message->second.octets;
  recency_.erase(message->second.recency);
  messages_.erase(message);
}

} // namespace danegate::policy
