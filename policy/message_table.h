// What was asked about each message at RCPT, so that DATA and END-OF-MESSAGE can leave those verdicts alone. Pure and
// bounded; time is an argument; not thread-safe.
//
// Why: a message gets one verdict per recipient, and those stand. At DATA Postfix does not name the recipients of a
// message that has several, so a verdict there would judge a mailbox that a rule exempts like all others. But DATA has
// to judge where a recipient came in without being asked about: smtpd_check_rcpt() accepts a bare <postmaster> before
// it asks anybody.
//
// How that is seen: Postfix says at DATA how many recipients it accepted (recipient_count), and names the recipient if
// it is one. One recipient: it must be one that was let through here. Several: no more than the distinct recipients
// that were let through here. Distinct, because one RCPT may be asked about several times through several restriction
// lists; a recipient that the client gives twice is then too many, and the message is judged once more than needed. In
// doubt standing() says "unaccounted", never "stands".
//
// What cannot be seen: a client that gives an exempt recipient, a second one that we let through and a later
// restriction of Postfix refuses, and a bare <postmaster>, has as many recipients as verdicts. It gains one unjudged
// mail to the postmaster. The check that stands last in smtpd_recipient_restrictions leaves no later restriction to do
// that with.
//
// A key names a message and the service that was asked: a verdict of one service says nothing for another.
#pragma once

#include "daemon/core/decision.h"

#include <chrono>
#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

namespace danegate::policy {

struct MessageLimits {
  std::size_t messages = 16384; ///< four times limits.policy-connections: a connection has one message at a time
  std::size_t octets = std::size_t{64} << 20U; ///< of everything that is remembered, estimated
  std::size_t recipients = 1024;               ///< of one message; Postfix's smtpd_recipient_limit is 1000
  std::chrono::seconds age{3600};              ///< since the message was last asked about
};

/// What was answered, and what it says in a header.
struct MessageVerdict {
  bool let_through = false;
  core::Reason reason = core::Reason::overload;
  std::string field; ///< Authentication-Results, or empty where none is wanted
};

class MessageTable {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// The index has room for twice as many: a fuller one moves to another place every so often, and memory grows.
  explicit MessageTable(MessageLimits limits) : limits_(limits) { by_key_.reserve(2 * limits.messages + 1); }

  /// A verdict for one recipient; a later one for the same recipient replaces the earlier.
  void at_rcpt(std::string_view key, std::string_view recipient, MessageVerdict verdict, Time now);

  /// A verdict for the whole message, at DATA or END-OF-MESSAGE.
  void at_data(std::string_view key, MessageVerdict verdict, Time now);

  enum class Standing : unsigned char {
    stands,      ///< every accepted recipient was let through here
    unaccounted, ///< asked about, but some accepted recipient may have been missed
    unknown,     ///< never asked about, or forgotten
  };

  /// `recipient` and `count` as Postfix gives them at DATA and END-OF-MESSAGE.
  Standing standing(std::string_view key, std::string_view recipient, std::optional<std::size_t> count, Time now);

  /// The field for the message's header, once: that of the worst verdict that let something through, doubt first
  /// (core::Result). Empty if there is none, or if it was taken before.
  std::string take_field(std::string_view key, Time now);

  std::size_t size() const noexcept { return by_key_.size(); }

  std::size_t octets() const noexcept { return octets_; }

private:
  struct Recipient {
    std::string name;
    bool let_through = false;
  };

  struct Message {
    std::string key;
    std::vector<Recipient> recipients; ///< by name
    std::size_t let_through = 0;       ///< of them
    bool overflow = false;             ///< more recipients than we keep
    bool judged_whole = false;         ///< and let through
    bool field_taken = false;
    core::Reason reason = core::Reason::match;
    std::string field;
    std::size_t octets = 0;
    Time touched;
  };

  using Messages = std::list<Message>;

  static std::vector<Recipient>::iterator place_of(Message& message, std::string_view recipient);

  void touch(Messages::iterator message, Time now);
  Message* find(std::string_view key, Time now);
  Message& make(std::string_view key, Time now);
  void note_field(Message& message, MessageVerdict verdict);
  void charge(Message& message, std::size_t octets);
  void shrink(Time now, const Message* spared);
  void erase(Messages::iterator message);
  void drop(Messages::iterator message, Messages& into);

  MessageLimits limits_;
  Messages messages_; ///< front: asked about last
  /// One array without a node for each key: most messages are new, and one out of it touches no other. Views of `key`.
  boost::unordered_flat_map<std::string_view, Messages::iterator> by_key_;
  std::size_t octets_ = 0;
};

} // namespace danegate::policy
