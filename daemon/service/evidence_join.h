// What Postfix's policy requests told about an SMTP session, for the milter connection of the same session.
//
// Postfix shows fingerprints to the policy protocol only. Its milter connection of the same SMTP session borrows them:
// joined by client address and port, server address and port, and by the queue id where both sides know one. A milter
// connection opens a slot for its session and closes it in the end; what the policy front end notes is kept only where
// a slot is open, so the table is as large as there are milter sessions. A new connection under the same four drops
// what an older one left, and so does each HELO, since evidence of an earlier TLS state must not be used. Postfix sends
// its milter's HELO event, and waits for the reply, before it asks the policy service about mail.
//
// Thread-safe: the policy front end calls from the loop, the milter from libmilter's threads. Time is an argument.
#pragma once

#include "daemon/core/claims.h"
#include "daemon/core/evidence.h"
#include "daemon/core/ip_address.h"

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace danegate::service {

/// One SMTP session, as long as it lives. IPv6 forms are normalised.
struct SessionKey {
  core::IpAddress client;
  core::IpAddress server;
  std::uint16_t client_port = 0;
  std::uint16_t server_port = 0;

  struct Texts {
    std::string_view client_address, client_port, server_address, server_port;
  };

  /// As mail servers write them. nullopt unless all four are there and known.
  static std::optional<SessionKey> parse(const Texts& texts);

  friend auto operator<=>(const SessionKey&, const SessionKey&) = default;
};

struct SessionEvidence {
  core::Evidence evidence;
  core::Claims claims; ///< the sender apart, which belongs to one message
  std::string service; ///< the name of the service that was chosen
  std::string queue;   ///< queue id, empty where Postfix had none yet
};

class EvidenceJoin {
public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::size_t max_sessions = 8192;
  /// Since it was noted. A session that goes on sends requests with every message.
  static constexpr std::chrono::hours max_age{1};

  /// One milter connection's hold on its slot.
  struct Ticket {
    SessionKey key;
    std::uint64_t number = 0;
  };

  /// nullopt: max_sessions are open. Not to be taken for a session without evidence: it is overload.
  std::optional<Ticket> open(const SessionKey& key);
  void close(const Ticket& ticket);
  /// A HELO: what was noted before says nothing about what follows.
  void forget(const Ticket& ticket);

  /// What a policy request said; dropped where no milter connection waits for it.
  void note(const SessionKey& key, SessionEvidence evidence, Time now);

  /// nullopt: nothing was noted since the last HELO, it is too old, it belongs to another queue id, or the slot is
  /// another session's by now.
  std::optional<SessionEvidence> find(const Ticket& ticket, std::string_view queue, Time now) const;

  std::size_t size() const;

private:
  struct Slot {
    std::uint64_t number;
    std::optional<SessionEvidence> evidence;
    Time noted;
  };

  Slot* slot_of(const Ticket& ticket);

  mutable std::mutex mutex_;
  std::map<SessionKey, Slot> slots_;
  std::uint64_t last_number_ = 0;
};

} // namespace danegate::service
