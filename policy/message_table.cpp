#include "policy/message_table.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace danegate::policy {
namespace {

/// What the containers cost beside the text: a list node, a place in the index.
constexpr std::size_t message_overhead = 320;
constexpr std::size_t recipient_overhead = 80;

constexpr std::size_t usual_key = 79; ///< an instance of Postfix's, an IPv6 address, the name of a service
constexpr std::size_t usual_recipients = 4;

} // namespace

std::vector<MessageTable::Recipient>::iterator MessageTable::place_of(Message& message, std::string_view recipient) {
  return std::ranges::lower_bound(message.recipients, recipient, std::less<>{}, &Recipient::name);
}

void MessageTable::at_rcpt(std::string_view key, std::string_view recipient, MessageVerdict verdict, Time now) {
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

void MessageTable::at_data(std::string_view key, MessageVerdict verdict, Time now) {
  Message& message = make(key, now);
  message.judged_whole = verdict.let_through;
  note_field(message, std::move(verdict));
  shrink(now, &message);
}

MessageTable::Standing MessageTable::standing(std::string_view key, std::string_view recipient,
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

std::string MessageTable::take_field(std::string_view key, Time now) {
  Message* const message = find(key, now);
  if (message == nullptr || message->field_taken || message->field.empty()) return {};
  message->field_taken = true;
  return message->field;
}

void MessageTable::touch(Messages::iterator message, Time now) {
  message->touched = now;
  messages_.splice(messages_.begin(), messages_, message);
}

MessageTable::Message* MessageTable::find(std::string_view key, Time now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  const auto message = found->second;
  if (now - message->touched >= limits_.age) {
    erase(message);
    return nullptr;
  }
  touch(message, now);
  return &*message;
}

MessageTable::Message& MessageTable::make(std::string_view key, Time now) {
  if (Message* const known = find(key, now)) return *known;
  Messages fresh; // in the table together with its place in the index, or not at all
  if (!messages_.empty() && messages_.size() >= limits_.messages) drop(std::prev(messages_.end()), fresh);
  if (fresh.empty()) fresh.emplace_front();
  Message& message = fresh.front();
  message.key.reserve(usual_key); // the next one here will be a little longer or shorter
  message.key = key;
  message.touched = now;
  by_key_.emplace(message.key, fresh.begin());
  messages_.splice(messages_.begin(), fresh);
  charge(message, message.key.size() + message_overhead);
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
  while (!messages_.empty()) {
    const auto oldest = std::prev(messages_.end());
    const bool expired = now - oldest->touched >= limits_.age;
    const bool full = messages_.size() > limits_.messages || octets_ > limits_.octets;
    if (&*oldest == spared || (!expired && !full)) return;
    erase(oldest);
  }
}

void MessageTable::erase(Messages::iterator message) {
  Messages dropped;
  drop(message, dropped);
}

/// Out of the table; what is put into `into` is blank. It keeps the memory of a message as they mostly are: one that
/// takes the place of another leaves no holes behind.
void MessageTable::drop(Messages::iterator message, Messages& into) {
  octets_ -= message->octets;
  by_key_.erase(message->key);
  into.splice(into.begin(), messages_, message);
  Message blank;
  if (message->key.capacity() <= 2 * usual_key) blank.key.swap(message->key);
  if (message->recipients.capacity() <= usual_recipients) blank.recipients.swap(message->recipients);
  blank.key.clear();
  blank.recipients.clear();
  *message = std::move(blank);
}

} // namespace danegate::policy
