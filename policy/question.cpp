#include "policy/question.h"

#include "daemon/core/xtext.h"

#include <charconv>
#include <limits>
#include <string>
#include <utility>

namespace danegate::policy {
namespace {

void add_defect(core::Evidence& evidence, Attribute attribute, std::string_view why) {
  if (!evidence.defect.empty()) evidence.defect += "; ";
  evidence.defect.append(name_of(attribute)).append(": ").append(why);
}

std::optional<core::Digest> digest_of(const Request& request, Attribute attribute, core::Evidence& evidence) {
  const std::string_view text = request.get(attribute);
  if (text.empty()) return std::nullopt;
  auto digest = core::Digest::parse(text);
  if (digest) return std::move(*digest);
  add_defect(evidence, attribute, core::describe(digest.error()));
  return std::nullopt;
}

/// Postfix says "unknown" where it has no name.
std::string known(std::string_view text) {
  return text == "unknown" ? std::string{} : std::string{text};
}

} // namespace

std::optional<std::size_t> number_of(const Request& request, Attribute attribute) noexcept {
  const std::string_view text = request.get(attribute);
  std::size_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

ServiceChoice choose_service(const Request& request, const core::RuleSet& rules) noexcept {
  ServiceChoice choice;
  if (const std::string_view context = request.get(Attribute::policy_context); !context.empty()) {
    choice.service = rules.service_named(context);
    if (choice.service != nullptr) return choice;
    choice.unknown_context = true;
  }
  const auto port = number_of(request, Attribute::server_port);
  if (port && *port <= std::numeric_limits<std::uint16_t>::max()) {
    choice.service = rules.service_on_port(static_cast<std::uint16_t>(*port));
  }
  return choice;
}

core::Evidence evidence_of(const Request& request) {
  core::Evidence evidence;
  evidence.tls_version = request.get(Attribute::encryption_protocol);
  evidence.cipher = request.get(Attribute::encryption_cipher);
  evidence.tls = !evidence.tls_version.empty() || !request.get(Attribute::ccert_fingerprint).empty() ||
                 !request.get(Attribute::ccert_pubkey_fingerprint).empty();
  evidence.complete =
      !evidence.tls || request.has(Attribute::ccert_fingerprint) || request.has(Attribute::ccert_pubkey_fingerprint);
  evidence.certificate_digest = digest_of(request, Attribute::ccert_fingerprint, evidence);
  evidence.key_digest = digest_of(request, Attribute::ccert_pubkey_fingerprint, evidence);
  // One setting of Postfix makes both; two algorithms mean that the lines do not come from one place.
  if (evidence.certificate_digest && evidence.key_digest &&
      evidence.certificate_digest->algorithm() != evidence.key_digest->algorithm()) {
    add_defect(evidence, Attribute::ccert_pubkey_fingerprint, "another algorithm than ccert_fingerprint");
  }
  evidence.chain_trusted = !request.get(Attribute::ccert_issuer).empty();
  return evidence;
}

core::Claims claims_of(const Request& request, const std::optional<core::DnsName>& origin, core::ToAscii to_ascii) {
  core::Claims claims;
  claims.helo = known(request.get(Attribute::helo_name));
  claims.subject = core::decode_xtext(request.get(Attribute::ccert_subject)).value_or(std::string{});
  claims.client = known(request.get(Attribute::client_name));
  claims.sasl = request.get(Attribute::sasl_username);
  claims.sender = core::MailAddress::parse(request.get(Attribute::sender), origin, to_ascii);
  return claims;
}

core::Question make_question(const Request& request, const config::Config& config, const core::Service& service,
                             std::optional<std::string_view> recipient, core::ToAscii to_ascii) {
  const auto& origin = config.server.origin;
  core::Question question;
  question.service = &service;
  question.evidence = evidence_of(request);
  question.claims = claims_of(request, origin, to_ascii);
  question.envelope.client = core::IpAddress::parse(request.get(Attribute::client_address));
  question.envelope.sender = question.claims.sender;
  if (recipient && !recipient->empty()) {
    question.envelope.recipient = core::MailAddress::parse(*recipient, origin, to_ascii);
  }
  question.envelope.logged_in =
      !request.get(Attribute::sasl_method).empty() || !request.get(Attribute::sasl_username).empty();
  return question;
}

std::optional<std::string_view> recipient_of(const Request& request) noexcept {
  const std::string_view recipient = request.get(Attribute::recipient);
  if (recipient.empty() || stage_of(request.get(Attribute::protocol_state)) == Stage::mail) return std::nullopt;
  return recipient;
}

} // namespace danegate::policy
