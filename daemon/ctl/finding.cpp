#include "daemon/ctl/finding.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

namespace danegate::ctl {

namespace {

constexpr auto note = Severity::note;
constexpr auto warning = Severity::warning;
constexpr auto error = Severity::error;

constexpr std::array kinds{
    // danegate's own files
    FindingKind{"configuration", error, "danegate's configuration is wrong; nothing else is looked at then"},
    FindingKind{"trust-anchor", error, "a trust anchor cannot be read, or libunbound does not take it"},
    FindingKind{"rule-unreachable", warning, "an earlier rule holds wherever this one would"},
    FindingKind{"nothing-listed", warning, "a rule decides on an authentication that cannot happen"},
    FindingKind{"temperror-lax", warning, "on-temperror lets pass what on-fail refuses"},
    FindingKind{"list-empty", warning, "identity-files or grants name no identity"},
    FindingKind{"lookup-open", warning, "lookup.domains is \"*\": every client chooses names to look up"},
    FindingKind{"socket-own-group", warning, "there is no group postfix, so the sockets are for danegated's own"},
    FindingKind{"origin-unknown", warning, "senders without a domain are in no domain"},
    // which smtpd asks
    FindingKind{"postfix-unread", warning, "postconf did not answer, so Postfix's side is not checked"},
    FindingKind{"not-asked", warning, "there are rules, and no restriction list of Postfix asks danegate"},
    FindingKind{"service-not-asked", warning, "rules name a service that no restriction list asks for"},
    FindingKind{"map-decides", note, "an access map decides who is asked about; maps are not read"},
    FindingKind{"check-unreached", error, "an unconditional permit or reject stands before the policy check"},
    FindingKind{"warn-if-reject", warning, "warn_if_reject turns danegate's refusals into log lines"},
    FindingKind{"context-unknown", error, "policy_context names no [[service]]"},
    FindingKind{"no-service", error, "neither policy_context nor the port chooses a [[service]]"},
    // TLS
    FindingKind{"postfix-no-tls", error, "an smtpd that asks danegate offers no TLS"},
    FindingKind{"postfix-no-ccert", error, "smtpd_tls_ask_ccert is off, so no client shows a key"},
    FindingKind{"postfix-req-ccert", error, "smtpd_tls_req_ccert drops every key that no CA signed"},
    FindingKind{"postfix-md5", error, "the fingerprint digest is MD5 or SHA-1: permerror weak-digest"},
    FindingKind{"postfix-digest", warning, "the fingerprint digest is one that danegate does not know"},
    // the socket
    FindingKind{"socket-mismatch", error, "Postfix connects to another path than danegate listens at"},
    FindingKind{"socket-access", error, "mode and group of the socket keep Postfix's smtpd out"},
    FindingKind{"socket-folder", warning, "the folder of a socket is not there"},
    // relay
    FindingKind{"permit-no-relay", error, "a rule permits where Postfix never grants relay from it"},
    FindingKind{"permit-on-mx", warning, "a rule that permits is asked on port 25, before relaying is refused"},
    FindingKind{"default-permits", error, "while danegate is down, Postfix permits"},
    FindingKind{"xclient", error, "XCLIENT lends a proxy's key to every client behind it"},
    FindingKind{"upstream-proxy", note, "a proxy says which address the client has, and rules have clients"},
    // RCPT and DATA
    FindingKind{"data-not-asked", warning, "asked at RCPT and not at DATA: a bare <postmaster> is never judged"},
    FindingKind{"data-exemptions", warning, "exempted at RCPT and not at DATA, where danegate then judges anew"},
    // the policy client
    FindingKind{"policy-timeout", error, "Postfix gives up before danegate has to answer"},
    FindingKind{"default-lax", warning, "while danegate is down, Postfix lets pass what rules refuse"},
    FindingKind{"policy-idle", warning, "danegate closes idle connections before Postfix does"},
    FindingKind{"policy-try-limit", warning, "Postfix never tries again when a kept connection was closed"},
    FindingKind{"policy-request-limit", note, "Postfix makes a new connection for every few requests"},
    // the milter
    FindingKind{"milter-not-asked", warning, "[milter] listens, and no smtpd has it in smtpd_milters"},
    FindingKind{"milter-old-postfix", error, "a Postfix before 3.2 does not tell the milter its port"},
    FindingKind{"milter-no-evidence", warning, "the milter is asked where the policy service never is"},
    FindingKind{"milter-timeout", error, "Postfix gives up on the milter before danegate has to answer"},
    FindingKind{"milter-default", warning, "what Postfix does while the milter is down is not what rules want"},
    // --live
    FindingKind{"resolver-anchor", error, "a trust anchor does not fit the keys of its zone"},
    FindingKind{"resolver-clock", error, "signatures are not valid now: the clock is the usual culprit"},
    FindingKind{"resolver-network", error, "the zone of a trust anchor cannot be asked"},
    FindingKind{"identity-no-record", warning, "a rule names an identity that has no TLSA record"},
    FindingKind{"identity-unusable", warning, "no TLSA record of an identity can be judged by a digest"},
    FindingKind{"identity-insecure", warning, "the zone of an identity is not signed"},
    FindingKind{"identity-bogus", warning, "DNSSEC validation fails for an identity"},
    FindingKind{"identity-unresolved", warning, "the servers of an identity's zone gave no answer"},
    FindingKind{"domain-insecure", warning, "a domain below which rules accept identities is not signed"},
    FindingKind{"domain-bogus", warning, "DNSSEC validation fails for such a domain"},
    FindingKind{"identities-sampled", note, "only a sample of identity-files was looked up"},
};

} // namespace

std::string_view token(Severity severity) noexcept {
  switch (severity) {
  case Severity::note: return "note";
  case Severity::warning: return "warning";
  case Severity::error: return "error";
  }
  return "error";
}

std::span<const FindingKind> finding_kinds() noexcept {
  return kinds;
}

const FindingKind& kind_of(std::string_view id) {
  const auto found = std::ranges::find(kinds, id, &FindingKind::id);
  if (found == kinds.end()) throw std::logic_error("no finding is called " + std::string(id));
  return *found;
}

std::string Finding::where() const {
  auto text = place.text();
  if (!entry.empty()) text += ": " + entry;
  if (!parameter.empty()) text += ": " + parameter;
  return text;
}

Finding make_finding(std::string_view id, std::string message) {
  const auto& kind = kind_of(id);
  return {kind.id, kind.severity, {}, {}, {}, std::move(message), {}};
}

} // namespace danegate::ctl
