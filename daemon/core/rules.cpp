#include "daemon/core/rules.h"

#include "daemon/core/text_map.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace danegate::core {

namespace {

// std::ranges::contains is not in libstdc++ 12.
template <class Range, class Value>
bool contains(const Range& range, const Value& value) {
  return std::ranges::find(range, value) != std::ranges::end(range);
}

} // namespace

std::string_view token(Action action) noexcept {
  switch (action) {
  case Action::tag: return "tag";
  case Action::permit: return "permit";
  case Action::reject: return "reject";
  case Action::defer: return "defer";
  case Action::hold: return "hold";
  }
  return "defer";
}

std::string_view token(Mode mode) noexcept {
  return mode == Mode::monitor ? "monitor" : "enforce";
}

bool Rule::accepts(const Identity& identity, const MailAddress& sender) const {
  if (!names_identities()) return true;
  if (identity_files && identity_files->contains(identity)) return true;
  return std::ranges::any_of(identities,
                             [&](const IdentityPattern& pattern) { return pattern.matches(identity, sender); });
}

bool Rule::names_in_full(const Identity& identity) const {
  if (identity_files && identity_files->contains(identity)) return true;
  return std::ranges::any_of(identities, [&](const IdentityPattern& pattern) {
    return pattern.kind() == IdentityPattern::Kind::exact && *pattern.identity() == identity;
  });
}

bool Rule::names_some_in_full() const noexcept {
  return identity_files || std::ranges::any_of(identities, [](const IdentityPattern& pattern) {
           return pattern.kind() == IdentityPattern::Kind::exact;
         });
}

Action Rule::action_for(Reason reason) const noexcept {
  switch (info(reason).branch) {
  case Branch::on_pass: return on_pass;
  case Branch::on_fail: return on_fail;
  case Branch::on_none: return on_none;
  case Branch::on_unpublished: return on_unpublished;
  case Branch::on_temperror: return on_temperror;
  }
  return Action::defer;
}

/// Everything that eligible rules and `lookup.domains` name, for one service.
struct RuleSet::LookupList {
  TextMap<ListEntry> exact;   ///< by Identity::key()
  TextMap<ListEntry> subtree; ///< the name and what is below it
  TextMap<ListEntry> below;   ///< only what is below it
  std::vector<std::shared_ptr<const IdentitySet>> files;
  std::vector<std::shared_ptr<const Grants>> grants;
  bool open_to_all = false;

  void add(const AddressPattern& sender) {
    switch (sender.kind()) {
    case AddressPattern::Kind::domain:
    case AddressPattern::Kind::subtree: insert(subtree, sender.domain()->text()); break;
    case AddressPattern::Kind::mailbox: insert(exact, Identity{sender.address().local, *sender.domain()}.key()); break;
    case AddressPattern::Kind::null_sender:
    case AddressPattern::Kind::local_part: break;
    }
  }

  void add(const IdentityPattern& pattern) {
    if (pattern.kind() == IdentityPattern::Kind::exact) insert(exact, pattern.identity()->key());
    if (pattern.kind() == IdentityPattern::Kind::below) insert(below, pattern.identity()->domain.text());
  }

  /// An entry is known by the hash of its text: limits counted by it survive a reload, and a collision only makes two
  /// entries share a limit.
  static ListEntry entry_of(std::string_view text) { return TextHash{}(text); }

  static void insert(TextMap<ListEntry>& into, const std::string& text) { into.emplace(text, entry_of(text)); }

  std::optional<ListEntry> admits(const Identity& identity) const {
    const std::string address = identity.is_address() ? identity.key() : std::string();
    const std::string_view key = identity.is_address() ? address : identity.domain.text();
    if (const auto found = exact.find(key); found != exact.end()) return found->second;
    const auto names = [&](const auto& file) { return file->contains(identity); };
    const auto grants_name = [&](const auto& file) { return file->names(identity); };
    if (std::ranges::any_of(files, names) || std::ranges::any_of(grants, grants_name)) return entry_of(key);
    const std::string_view domain = identity.domain.text();
    if (const auto found = subtree.find(domain); found != subtree.end()) return found->second;
    for (auto dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.', dot + 1)) {
      const auto ancestor = domain.substr(dot + 1);
      if (const auto found = subtree.find(ancestor); found != subtree.end()) return found->second;
      if (const auto found = below.find(ancestor); found != below.end()) return found->second;
    }
    if (open_to_all) return entry_of("*");
    return std::nullopt;
  }
};

RuleSet::RuleSet(std::vector<Service> services, std::vector<Rule> rules, const std::vector<DnsName>& lookup_domains,
                 bool open_to_all)
    : services_(std::move(services)), rules_(std::move(rules)) {
  for (const auto& service : services_) {
    auto list = std::make_shared<LookupList>();
    list->open_to_all = open_to_all;
    for (const auto& domain : lookup_domains)
      LookupList::insert(list->subtree, domain.text());
    for (const auto& rule : rules_) {
      if (!rule.services.empty() && !contains(rule.services, service.name)) continue;
      for (const auto& sender : rule.senders)
        list->add(sender);
      for (const auto& author : rule.from)
        list->add(author);
      for (const auto& pattern : rule.identities)
        list->add(pattern);
      if (rule.identity_files) list->files.push_back(rule.identity_files);
      if (rule.grants) list->grants.push_back(rule.grants);
    }
    lists_.push_back(std::move(list));
  }
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    if (rules_[i].from.empty())
      by_sender_.add(i, rules_[i].senders);
    else
      from_rules_.push_back(i);
  }
}

const Service* RuleSet::service_named(std::string_view name) const noexcept {
  const auto found = std::ranges::find(services_, name, &Service::name);
  return found == services_.end() ? nullptr : &*found;
}

const Service* RuleSet::service_on_port(std::uint16_t port) const noexcept {
  const auto found =
      std::ranges::find_if(services_, [port](const Service& service) { return contains(service.ports, port); });
  return found == services_.end() ? nullptr : &*found;
}

namespace {

template <class Patterns, class Value>
bool any_matches(const Patterns& patterns, const Value& value) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) { return pattern.matches(value); });
}

/// All conditions but `recipients` and `from`.
bool session_holds(const Rule& rule, const Service& service, const Envelope& envelope) {
  if (!rule.services.empty() && !contains(rule.services, service.name)) return false;
  if (!rule.senders.empty() && !any_matches(rule.senders, envelope.sender)) return false;
  if (!rule.clients.empty() && !(envelope.client && std::ranges::any_of(rule.clients, [&](const IpNetwork& n) {
                                   return n.contains(*envelope.client);
                                 })))
    return false;
  return !rule.sasl || *rule.sasl == envelope.logged_in;
}

bool recipient_holds(const Rule& rule, const MailAddress* recipient) {
  return rule.recipients.empty() || (recipient && any_matches(rule.recipients, *recipient));
}

Mode mode_of(const Rule& rule, const Service& service) noexcept {
  return rule.mode == Mode::monitor || service.mode == Mode::monitor ? Mode::monitor : Mode::enforce;
}

/// A From that could not be read is taken to be by everybody whose domain stands in it: by somebody in this one.
bool is_about(const Rule& rule, const DnsName& domain) {
  return std::ranges::any_of(rule.from, [&](const AddressPattern& pattern) {
    if (!pattern.domain()) return false;
    return *pattern.domain() == domain ||
           (pattern.kind() == AddressPattern::Kind::subtree && domain.is_below(*pattern.domain()));
  });
}

} // namespace

std::vector<RuleInForce> RuleSet::applicable(const Service& service, const Envelope& envelope) const {
  std::vector<RuleInForce> found;
  const MailAddress* const recipient = envelope.recipient ? &*envelope.recipient : nullptr;
  auto candidates = by_sender_.candidates(envelope.sender);
  while (const auto i = candidates.next()) {
    const auto& rule = rules_[*i];
    if (!session_holds(rule, service, envelope) || !recipient_holds(rule, recipient)) continue;
    found.push_back({*i, mode_of(rule, service)});
    if (found.back().mode == Mode::enforce) break;
  }
  return found;
}

std::vector<RuleInForce> RuleSet::applicable_from(const Service& service, const Envelope& envelope,
                                                  std::span<const MailAddress> recipients,
                                                  const HeaderFrom& from) const {
  std::vector<RuleInForce> candidates;
  for (const auto index : from_rules_)
    if (session_holds(rules_[index], service, envelope)) candidates.push_back({index, mode_of(rules_[index], service)});

  std::set<RuleInForce> found;
  const auto judge_for = [&](const MailAddress* recipient, const auto& is_by_author) {
    for (const auto& candidate : candidates) {
      const auto& rule = rules_[candidate.index];
      if (!is_by_author(rule) || !recipient_holds(rule, recipient)) continue;
      found.insert(candidate);
      if (candidate.mode == Mode::enforce) break;
    }
  };
  const auto judge = [&](const auto& is_by_author) {
    if (recipients.empty()) judge_for(nullptr, is_by_author);
    for (const auto& recipient : recipients)
      judge_for(&recipient, is_by_author);
  };
  if (candidates.empty()) return {};
  for (const auto& author : from.addresses)
    judge([&](const Rule& rule) { return any_matches(rule.from, author); });
  if (from.is_readable()) return {found.begin(), found.end()};
  std::set<DnsName> mentioned;
  for (const auto& candidate : candidates)
    for (const auto& pattern : rules_[candidate.index].from)
      if (pattern.domain() && from.mentions(*pattern.domain())) mentioned.insert(*pattern.domain());
  for (const auto& domain : mentioned)
    judge([&](const Rule& rule) { return is_about(rule, domain); });
  return {found.begin(), found.end()};
}

std::optional<ListEntry> RuleSet::admits(const Service& service, const OwnerName& name) const {
  const auto index = static_cast<std::size_t>(&service - services_.data());
  return lists_[index]->admits(name.identity);
}

} // namespace danegate::core
