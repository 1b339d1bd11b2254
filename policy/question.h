// From a policy request to the question that the core answers: which service is asked, what evidence the mail server
// gives, what the client claims. Pure.
#pragma once

#include "daemon/config/config.h"
#include "daemon/core/auth_flow.h"
#include "policy/request.h"

#include <cstddef>
#include <optional>
#include <string_view>

namespace danegate::policy {

/// Which service a request is for: its policy_context, else the service that has the server's port, else none.
struct ServiceChoice {
  const core::Service* service = nullptr; ///< null: nobody asked us to judge here
  bool unknown_context = false;           ///< policy_context names no service; the port was used instead
};

ServiceChoice choose_service(const Request& request, const core::RuleSet& rules) noexcept;

/// What the mail server vouches for.
///
/// TLS is on if it names a protocol, or a fingerprint (Postfix before 2.3 sends no encryption_protocol). A fingerprint
/// that cannot be read, or two of different algorithms, is a defect. Evidence is incomplete if TLS is on and neither
/// fingerprint attribute was sent at all: empty means that the client presented nothing, missing means that nobody told
/// us. A raw public key is an empty ccert_fingerprint beside a ccert_pubkey_fingerprint. The chain is trusted if an
/// issuer is given: Postfix sends it, like the subject, only for a chain that it verified, and a verified certificate
/// may well have no CN. (An issuer with neither CN nor O comes out empty: then we think less of the chain than we
/// could.)
core::Evidence evidence_of(const Request& request);

/// A subject whose xtext cannot be decoded is no name, and nothing worse: the certificate may still match under another
/// name, and nothing rests on a subject by itself.
core::Claims claims_of(const Request& request, const std::optional<core::DnsName>& origin, core::ToAscii to_ascii);

/// `recipient` as sent, from the request or from what is known of the message; nullopt or empty: not known.
core::Question make_question(const Request& request, const config::Config& config, const core::Service& service,
                             std::optional<std::string_view> recipient, core::ToAscii to_ascii);

/// The recipient that the request itself names: at RCPT, at DATA where the message has one; nullopt at MAIL, where
/// Postfix has none yet.
std::optional<std::string_view> recipient_of(const Request& request) noexcept;

/// An attribute that is a decimal number; nullopt if it is missing, empty or anything else.
std::optional<std::size_t> number_of(const Request& request, Attribute attribute) noexcept;

} // namespace danegate::policy
