#include "daemon/core/owner_names.h"

#include "daemon/core/digest.h"
#include "daemon/core/ip_address.h"

#include <algorithm>
#include <array>
#include <utility>

namespace danegate::core {

namespace {

constexpr std::array<std::pair<std::string_view, Field>, 7> field_names{{
    {"helo", Field::helo},
    {"subject", Field::subject},
    {"client", Field::client},
    {"sender.domain", Field::sender_domain},
    {"sender.local", Field::sender_local},
    {"sender.hash", Field::sender_hash},
    {"sasl", Field::sasl},
}};

constexpr std::size_t hash_octets = 28; // RFC 7929 section 3

using Text = std::expected<std::string, std::string_view>;

bool is_digits(std::string_view text) noexcept {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

/// A label under which keys are published for servers: never a client's name.
bool is_server_label(std::string_view label) noexcept {
  return label == "_tcp" || label == "_udp" || label == "_sctp" ||
         (label.starts_with('_') && is_digits(label.substr(1)));
}

/// Why the labels of a field's value make no name; empty if they do.
std::string_view labels_refused(const DnsName& name, bool underscores_allowed) noexcept {
  std::string_view rest = name.text();
  for (bool first = true; !rest.empty(); first = false) {
    const auto dot = rest.find('.');
    const bool last = dot == std::string_view::npos;
    const auto label = rest.substr(0, dot);
    if (is_server_label(label)) return "carries a label of keys published for servers";
    const bool device = label == "_device" && !first && !last;
    if (label.contains('_') && !underscores_allowed && !device) return "carries an underscore label";
    rest = last ? std::string_view() : rest.substr(dot + 1);
  }
  return {};
}

Text host_field(std::string_view text, bool underscores_allowed, const Ports& ports) {
  if (text.empty() || ascii_iequals(text, "unknown")) return std::unexpected("empty or unknown");
  if (text.starts_with('[') || IpAddress::parse(text)) return std::unexpected("an address literal");
  const auto name = DnsName::parse(text, ports.to_ascii);
  if (!name) return std::unexpected(describe(name.error()));
  const auto count = name->label_count();
  if (count < 2) return std::unexpected("a single label");
  if (is_digits(std::string_view(name->text()).substr(name->text().rfind('.') + 1)))
    return std::unexpected("an address literal");
  if (const auto refused = labels_refused(*name, underscores_allowed); !refused.empty())
    return std::unexpected(refused);
  return name->text();
}

/// A login name or local part that is one letter-digit-hyphen label.
Text label_field(std::string_view text) {
  if (text.empty()) return std::unexpected("empty");
  const auto name = DnsName::parse(text);
  if (!name || name->label_count() != 1 || text.ends_with('.') || name->text().contains('_'))
    return std::unexpected("not one letter-digit-hyphen label");
  return name->text();
}

Text sender_domain_field(const MailAddress& sender, bool underscores_allowed, const Ports& ports) {
  if (sender.is_null()) return std::unexpected("null sender");
  if (!sender.domain) return std::unexpected("the sender has no domain name");
  return host_field(sender.domain->text(), underscores_allowed, ports);
}

Text sender_hash_field(const MailAddress& sender, bool keep_case, const Ports& ports) {
  if (sender.local.empty()) return std::unexpected("the sender has no local part");
  auto hash = hash_local_part(sender.local, keep_case, ports.hash);
  if (hash.empty()) return std::unexpected("the digest could not be computed");
  return hash;
}

} // namespace

std::string hash_local_part(std::string_view local, bool keep_case, HashFunction hash) {
  const auto folded = keep_case ? std::string(local) : ascii_lower(local);
  const Bytes octets(folded.begin(), folded.end());
  const auto digest = hash(DigestAlgorithm::sha256, octets);
  if (digest.size() < hash_octets) return {};
  return to_hex(ByteView(digest).first(hash_octets));
}

std::expected<OwnerTemplate, std::string> OwnerTemplate::parse(std::string_view text) {
  if (text.empty() || text.size() > DnsName::max_length) return std::unexpected("empty, or longer than 253 octets");
  OwnerTemplate result;
  result.text_ = std::string(text);
  bool has_field = false;
  while (true) {
    std::size_t end = 0;
    if (text.starts_with('{')) {
      const auto close = text.find('}');
      if (close == std::string_view::npos) return std::unexpected("\"{\" without \"}\"");
      const auto* const field =
          std::ranges::find(field_names, text.substr(1, close - 1), &std::pair<std::string_view, Field>::first);
      if (field == field_names.end())
        return std::unexpected("unknown field " + std::string(text.substr(0, close + 1)) +
                               "; there are {helo}, {subject}, {client}, {sender.domain}, {sender.local}, "
                               "{sender.hash} and {sasl}");
      result.parts_.emplace_back(field->second);
      has_field = true;
      end = close + 1;
      if (end < text.size() && text[end] != '.') return std::unexpected("a field fills whole labels");
    } else {
      end = std::min(text.find('.'), text.size());
      const auto label = DnsName::parse(text.substr(0, end));
      if (!label) return std::unexpected(std::string(describe(label.error())));
      if (label->text().starts_with('_')) result.service_label_ = true;
      result.parts_.emplace_back(label->text());
    }
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::unexpected("ends with a dot");
  }
  if (!has_field) return std::unexpected("has no field");
  return result;
}

namespace {

bool is_host_field(Field field) noexcept {
  return field == Field::helo || field == Field::subject || field == Field::client;
}

} // namespace

bool OwnerTemplate::makes_addresses() const noexcept {
  const bool address = uses(Field::sender_domain) && (uses(Field::sender_hash) || uses(Field::sender_local));
  return address && std::ranges::none_of(parts_, [](const Part& part) {
           const auto* const field = std::get_if<Field>(&part);
           return field && (is_host_field(*field) || *field == Field::sasl);
         });
}

const OwnerTemplate::Part* OwnerTemplate::host_part() const noexcept {
  const Part* found = nullptr;
  for (const auto& part : parts_) {
    const auto* const field = std::get_if<Field>(&part);
    if (!field) continue;
    if (found || !is_host_field(*field)) return nullptr;
    found = &part;
  }
  return found;
}

/// The first label says what the owner name is; what the field has to be follows from the labels around it.
std::optional<OwnerName> OwnerTemplate::name_for_domain(const DnsName& domain, const Ports& ports) const {
  const auto* const field = host_part();
  if (!field) return std::nullopt;
  const auto* const first = std::get_if<std::string>(&parts_.front());
  const auto owner = first && first->starts_with('_') ? *first + '.' + domain.text() : domain.text();
  std::string before;
  std::string after;
  for (const auto& part : parts_) {
    if (&part == field) continue;
    if (&part < field)
      before += std::get<std::string>(part) + '.';
    else
      after += '.' + std::get<std::string>(part);
  }
  if (owner.size() <= before.size() + after.size() || !owner.starts_with(before) || !owner.ends_with(after))
    return std::nullopt;
  const auto value = owner.substr(before.size(), owner.size() - before.size() - after.size());
  const Claims claims{.helo = value, .subject = value, .client = value, .sasl = {}, .sender = {}};
  auto name = expand(claims, false, ports);
  if (!name) return std::nullopt;
  return std::move(*name);
}

std::optional<OwnerName> OwnerTemplate::name_for(const Identity& identity, bool keep_case, const Ports& ports) const {
  if (!identity.is_address()) return name_for_domain(identity.domain, ports);
  if (!makes_addresses()) return std::nullopt;
  Claims claims;
  claims.sender = {identity.local, identity.domain};
  auto name = expand(claims, keep_case, ports);
  if (!name) return std::nullopt;
  return std::move(*name);
}

std::string OwnerTemplate::shape(bool keep_case) const {
  const auto* const host = host_part();
  if (!host && !makes_addresses()) return {};
  std::string shape = host ? "domain" : keep_case ? "address, case kept" : "address";
  for (const auto& part : parts_) {
    const auto* const label = std::get_if<std::string>(&part);
    shape += '.';
    if (label)
      shape += *label;
    else if (!host)
      shape += '{' + std::to_string(static_cast<int>(std::get<Field>(part))) + '}';
    else
      shape += "{}";
  }
  return shape;
}

bool OwnerTemplate::uses(Field field) const noexcept {
  return std::ranges::any_of(parts_, [field](const Part& part) {
    const auto* held = std::get_if<Field>(&part);
    return held && *held == field;
  });
}

std::expected<OwnerName, std::string_view> OwnerTemplate::expand(const Claims& claims, bool keep_case,
                                                                 const Ports& ports) const {
  const bool underscores = !service_label_;
  const auto value = [&](Field field) -> Text {
    switch (field) {
    case Field::helo: return host_field(claims.helo, underscores, ports);
    case Field::subject: return host_field(claims.subject, underscores, ports);
    case Field::client: return host_field(claims.client, underscores, ports);
    case Field::sender_domain: return sender_domain_field(claims.sender, underscores, ports);
    case Field::sender_local: return label_field(claims.sender.local);
    case Field::sender_hash: return sender_hash_field(claims.sender, keep_case, ports);
    case Field::sasl:
      if (ascii_iequals(claims.sasl, "unknown")) return std::unexpected("empty or unknown");
      return label_field(claims.sasl);
    }
    return std::unexpected("unknown field");
  };
  std::string joined;
  joined.reserve(64); // most are shorter
  for (const auto& part : parts_) {
    if (!joined.empty()) joined += '.';
    if (const auto* label = std::get_if<std::string>(&part)) {
      joined += *label;
      continue;
    }
    const auto text = value(std::get<Field>(part));
    if (!text) return std::unexpected(text.error());
    joined += *text;
  }
  auto owner = DnsName::parse(joined);
  if (!owner) return std::unexpected(describe(owner.error()));
  if (uses(Field::sender_domain) && (uses(Field::sender_hash) || uses(Field::sender_local)))
    return OwnerName{std::move(*owner), Identity{claims.sender.local, *claims.sender.domain}};
  const auto* const first = std::get_if<std::string>(&parts_.front());
  if (first && first->starts_with('_')) {
    auto identity = owner->parent();
    return OwnerName{std::move(*owner), Identity{{}, std::move(*identity)}};
  }
  Identity identity{{}, *owner};
  return OwnerName{std::move(*owner), std::move(identity)};
}

} // namespace danegate::core
