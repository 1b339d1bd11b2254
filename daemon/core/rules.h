// Services and rules: what the administrator wrote, parsed and indexed, and which names may be looked up at all.
//
// Immutable once built; a configuration snapshot owns one behind a shared_ptr, and a verdict keeps the one that it
// started with. Authentication lives in DNS; authorisation lives here.
#pragma once

#include "daemon/core/header_from.h"
#include "daemon/core/identity.h"
#include "daemon/core/identity_set.h"
#include "daemon/core/ip_address.h"
#include "daemon/core/owner_names.h"
#include "daemon/core/result.h"
#include "daemon/core/sender_index.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace danegate::core {

enum class Action : std::uint8_t { tag, permit, reject, defer, hold };
enum class Mode : std::uint8_t { enforce, monitor };

std::string_view token(Action action) noexcept;
std::string_view token(Mode mode) noexcept;

/// Orders actions by how much they keep from the recipient: where several rules judge one message, the strictest wins.
constexpr unsigned strictness(Action action) noexcept {
  switch (action) {
  case Action::permit: return 0;
  case Action::tag: return 1;
  case Action::hold: return 2;
  case Action::defer: return 3;
  case Action::reject: return 4;
  }
  return 3; // not an Action: never let through
}

/// True for reject, defer and hold: what must not rest on a stale cached answer.
constexpr bool is_refusal(Action action) noexcept {
  return action != Action::tag && action != Action::permit;
}

struct Service {
  std::string name;
  std::vector<std::uint16_t> ports;
  std::vector<OwnerTemplate> names;    ///< in the order in which they are judged
  Action default_action = Action::tag; ///< where no rule holds; never permit
  Mode mode = Mode::enforce;
  bool keep_case = false; ///< of local parts, before they are hashed
};

struct Rule {
  std::string name;
  std::vector<std::string> services; ///< conditions; each one empty means any
  std::vector<AddressPattern> senders;
  std::vector<AddressPattern> from; ///< not empty: a rule of the header, judged at end of message only
  std::vector<AddressPattern> recipients;
  std::vector<IpNetwork> clients;
  std::optional<bool> sasl; ///< true: logged in, false: not
  std::vector<IdentityPattern> identities;
  std::shared_ptr<const IdentitySet> identity_files; ///< null: none configured
  bool prefetch = false;                             ///< those of the files are in the roster, too
  std::shared_ptr<const Grants> grants;              ///< null: none configured
  Action on_pass = Action::tag;
  Action on_fail = Action::reject;
  Action on_none = Action::reject;
  Action on_unpublished = Action::defer;
  Action on_temperror = Action::defer;
  Mode mode = Mode::enforce;
  std::string text; ///< of refusals; printable ASCII

  /// True if the rule says who satisfies it; otherwise any authenticated identity does.
  bool names_identities() const noexcept { return !identities.empty() || identity_files; }

  bool accepts(const Identity& identity, const MailAddress& sender) const;
  /// Named by an exact pattern or in an identity file: such a name may come from any wildcard.
  bool names_in_full(const Identity& identity) const;
  bool names_some_in_full() const noexcept;
  Action action_for(Reason reason) const noexcept;
};

/// The envelope side of one question: what the conditions of rules look at.
struct Envelope {
  std::optional<IpAddress> client;
  MailAddress sender;
  std::optional<MailAddress> recipient; ///< absent: not known at this stage; no rule with `recipients` holds
  bool logged_in = false;
};

/// A rule that judges a session, and how.
struct RuleInForce {
  std::size_t index; ///< in RuleSet::rules()
  Mode mode;         ///< monitor if the rule or the service is

  friend auto operator<=>(const RuleInForce&, const RuleInForce&) = default;
};

/// Which entry of the lookup list admitted a name: limits are counted by it.
using ListEntry = std::size_t;

class RuleSet {
public:
  /// `lookup_domains`: `lookup.domains`; "*" is `open_to_all`. Rules that name a service that does not exist are the
  /// configuration's error, not ours.
  RuleSet(std::vector<Service> services, std::vector<Rule> rules, const std::vector<DnsName>& lookup_domains,
          bool open_to_all);

  std::span<const Service> services() const noexcept { return services_; }

  std::span<const Rule> rules() const noexcept { return rules_; }

  const Service* service_named(std::string_view name) const noexcept;
  const Service* service_on_port(std::uint16_t port) const noexcept;

  /// The rules whose conditions hold, in file order, up to and including the first that is enforced; those before it
  /// are monitored. Rules with `from` are not among them: the envelope does not show what they ask for.
  std::vector<RuleInForce> applicable(const Service& service, const Envelope& envelope) const;

  /// The rules with `from` whose conditions hold, in file order. Every author is judged for every recipient, each by
  /// the first enforced rule whose conditions hold; these come together, and the strictest wins. `envelope.recipient`
  /// does not count; no recipient at all is one that is not known.
  std::vector<RuleInForce> applicable_from(const Service& service, const Envelope& envelope,
                                           std::span<const MailAddress> recipients, const HeaderFrom& from) const;

  /// The list comes before DNS: nullopt if no eligible rule and no `lookup.domains` covers the name.
  std::optional<ListEntry> admits(const Service& service, const OwnerName& name) const;

private:
  struct LookupList;

  std::vector<Service> services_;
  std::vector<Rule> rules_;
  SenderIndex by_sender_;                                ///< of the rules without `from`
  std::vector<std::size_t> from_rules_;                  ///< those with `from`, in file order
  std::vector<std::shared_ptr<const LookupList>> lists_; ///< one per service
};

} // namespace danegate::core
