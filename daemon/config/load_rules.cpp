#include "daemon/config/load_parts.h"

#include "daemon/config/hints.h"
#include "daemon/config/identity_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

namespace danegate::config {

namespace {

core::Action action_named(std::string_view word) noexcept {
  using enum core::Action;
  for (const auto action : {tag, permit, reject, defer, hold})
    if (token(action) == word) return action;
  return defer;
}

std::optional<ClientNetwork> parse_network(std::string_view text) {
  const auto network = core::IpNetwork::parse(text);
  const auto slash = text.find('/');
  const auto base = core::IpAddress::parse(text.substr(0, slash));
  if (!network || !base) return std::nullopt;
  unsigned prefix = base->is_v4() ? 32 : 128;
  if (slash != std::string_view::npos) std::from_chars(text.data() + slash + 1, text.data() + text.size(), prefix);
  return ClientNetwork{*network, *base, prefix};
}

/// "192.0.2.1/24": an address and a prefix, but not together.
bool has_host_bits(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos || core::IpNetwork::parse(text)) return false;
  const auto base = core::IpAddress::parse(text.substr(0, slash));
  if (!base) return false;
  constexpr unsigned widest = 128;
  unsigned prefix = widest + 1;
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data() + slash + 1, end, prefix);
  return error == std::errc{} && stop == end && prefix <= (base->is_v4() ? 32U : widest);
}

class RuleLoader {
public:
  RuleLoader(const Loading& loading, const std::vector<LoadedService>& services, bool has_milter)
      : loading_(loading), services_(services), has_milter_(has_milter),
        files_(loading.environment.ports.to_ascii, loading.diagnostics) {}

  void load(const Section& section);

  std::vector<LoadedRule> take() { return std::move(rules_); }

private:
  void error(const Place& place, std::string message) { loading_.diagnostics.error(place, std::move(message)); }

  void name(const Section& section, core::Rule& rule);
  void services(const Section& section, core::Rule& rule);
  std::vector<core::AddressPattern> addresses(const Section& section, std::string_view key, bool bare_local);
  void from(const Section& section, core::Rule& rule);
  void clients(const Section& section, LoadedRule& loaded);
  void identities(const Section& section, core::Rule& rule);
  void text(const Section& section, core::Rule& rule);
  void permit(const Section& section, const core::Rule& rule);

  const Loading& loading_;
  const std::vector<LoadedService>& services_;
  bool has_milter_;
  IdentityFiles files_;
  std::vector<LoadedRule> rules_;
};

void RuleLoader::name(const Section& section, core::Rule& rule) {
  rule.name = section.text("name");
  if (!is_simple_token(rule.name))
    error(section.place("name"),
          fmt::format("rule.name: expected letters, digits, \"-\", \"_\" and \".\" only, the first a "
                      "letter or digit, found \"{}\"",
                      rule.name));
  for (const auto& other : rules_)
    if (other.rule.name == rule.name)
      error(section.place("name"),
            fmt::format("rule \"{}\" stands at {} already", rule.name, other.section->place("name").text()));
}

void RuleLoader::services(const Section& section, core::Rule& rule) {
  std::vector<std::string_view> known;
  for (const auto& service : services_)
    known.push_back(service.service.name);
  for (const auto& item : section.list("services")) {
    if (std::ranges::find(known, item.text) == known.end())
      error(item.place,
            fmt::format("rule.services: there is no service \"{}\"{}", item.text, hint_among(item.text, known)));
    rule.services.push_back(item.text);
  }
}

std::vector<core::AddressPattern> RuleLoader::addresses(const Section& section, std::string_view key, bool bare_local) {
  std::vector<core::AddressPattern> patterns;
  for (const auto& item : section.list(key)) {
    auto pattern = core::AddressPattern::parse(item.text, bare_local, loading_.environment.ports.to_ascii);
    if (pattern)
      patterns.push_back(std::move(*pattern));
    else
      error(item.place, fmt::format("rule.{}: expected a domain, \".domain\", an address{} or \"<>\", found \"{}\": {}",
                                    key, bare_local ? ", a local part" : "", item.text, pattern.error()));
  }
  return patterns;
}

void RuleLoader::from(const Section& section, core::Rule& rule) {
  rule.from = addresses(section, "from", false);
  const auto& items = section.list("from");
  for (std::size_t i = 0; i < rule.from.size() && rule.from.size() == items.size(); ++i)
    if (!rule.from[i].domain()) error(items[i].place, "rule.from: \"<>\" is no author");
  if (items.empty()) return;
  if (!has_milter_)
    error(section.place("from"),
          "rule.from: needs milter.listen: only the milter sees the header, and without it this rule is never asked");
  if (section.text("on-pass") == "permit")
    error(section.place("on-pass"), "rule.on-pass: \"permit\" cannot stand beside from: such a rule can only tighten");
}

void RuleLoader::clients(const Section& section, LoadedRule& loaded) {
  for (const auto& item : section.list("clients")) {
    if (const auto network = parse_network(item.text)) {
      loaded.clients.push_back(*network);
      loaded.rule.clients.push_back(network->network);
    } else if (has_host_bits(item.text)) {
      error(item.place, fmt::format("rule.clients: \"{}\" has bits set beyond its prefix length", item.text));
    } else {
      error(item.place,
            fmt::format("rule.clients: expected a network such as \"192.0.2.0/24\" or \"2001:db8::/32\", or an "
                        "address, found \"{}\"",
                        item.text));
    }
  }
}

void RuleLoader::identities(const Section& section, core::Rule& rule) {
  for (const auto& item : section.list("identities")) {
    auto pattern = core::IdentityPattern::parse(item.text, loading_.environment.ports.to_ascii);
    if (pattern)
      rule.identities.push_back(std::move(*pattern));
    else
      error(item.place, fmt::format("rule.identities: expected a domain, \"*.domain\", an address, \"{{sender}}\", "
                                    "\"{{sender.domain}}\" or \"*.{{sender.domain}}\", found \"{}\": {}",
                                    item.text, pattern.error()));
  }
  rule.identity_files = files_.identities(section.list("identity-files"));
  rule.prefetch = section.boolean("prefetch");
  rule.grants = files_.grants(section.list("grants"));
}

void RuleLoader::text(const Section& section, core::Rule& rule) {
  rule.text = section.text("text");
  const auto printable = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::ranges::all_of(rule.text, printable))
    error(section.place("text"), "rule.text: expected printable ASCII characters only");
}

void RuleLoader::permit(const Section& section, const core::Rule& rule) {
  if (rule.on_pass != core::Action::permit || section.broken()) return;
  if (!rule.names_identities())
    return error(section.place("on-pass"),
                 "rule.on-pass: \"permit\" needs identities or identity-files in its rule: it "
                 "grants relay, and without them to everybody who has a zone");
  const auto field = std::ranges::find_if(rule.identities, &core::IdentityPattern::has_field);
  if (field != rule.identities.end() && rule.senders.empty())
    error(section.list("identities")[static_cast<std::size_t>(field - rule.identities.begin())].place,
          "rule.identities: an identity made from the sender needs senders in a rule that permits: the client chooses "
          "its sender");
}

void RuleLoader::load(const Section& section) {
  if (!check_required(section, loading_.diagnostics)) return;
  const auto errors_before = loading_.diagnostics.error_count();
  LoadedRule loaded{{}, &section, {}};
  auto& rule = loaded.rule;
  name(section, rule);
  services(section, rule);
  rule.senders = addresses(section, "senders", false);
  from(section, rule);
  rule.recipients = addresses(section, "recipients", true);
  clients(section, loaded);
  if (section.has("sasl")) rule.sasl = section.boolean("sasl");
  identities(section, rule);
  rule.on_pass = action_named(section.text("on-pass"));
  rule.on_fail = action_named(section.text("on-fail"));
  rule.on_none = action_named(section.text("on-none"));
  rule.on_unpublished = action_named(section.text("on-unpublished"));
  rule.on_temperror = action_named(section.text("on-temperror"));
  rule.mode = section.text("mode") == "monitor" ? core::Mode::monitor : core::Mode::enforce;
  text(section, rule);
  if (loading_.diagnostics.error_count() == errors_before) permit(section, rule);
  rules_.push_back(std::move(loaded));
}

} // namespace

std::vector<LoadedRule> load_rules(const Loading& loading, const std::vector<LoadedService>& services,
                                   bool has_milter) {
  RuleLoader loader(loading, services, has_milter);
  for (const auto& section : loading.document.rules)
    loader.load(section);
  return loader.take();
}

LookupDomains load_lookup(const Loading& loading) {
  const auto& section = loading.document.table("lookup");
  LookupDomains lookup;
  for (const auto& item : section.list("domains")) {
    if (item.text == "*") {
      lookup.open_to_all = true;
      loading.diagnostics.warn(item.place, "lookup-open",
                               "lookup.domains: \"*\" lets every client make this host look up names of its "
                               "choosing");
      continue;
    }
    auto name = core::DnsName::parse(item.text, loading.environment.ports.to_ascii);
    if (name)
      lookup.domains.push_back(std::move(*name));
    else
      loading.diagnostics.error(item.place, fmt::format("lookup.domains: expected a domain name (names below it are "
                                                        "meant as well) or \"*\", found \"{}\": {}",
                                                        item.text, describe(name.error())));
  }
  return lookup;
}

} // namespace danegate::config
