// What is wrong between Postfix and danegate: one function for each part of Postfix's configuration. Pure but for what
// the view's Surroundings say.
//
// None of them guesses. What an access map may decide, what a name may resolve to, or what a port is that has none is
// left out, or is a note; a finding has to be right, whoever is woken by it.
#pragma once

#include "daemon/ctl/postfix_view.h"

namespace danegate::ctl {

/// Is danegate asked at all, where it stands in the list, and for which service.
std::vector<Finding> find_unasked(const PostfixView& view);
/// TLS, certificates and their digest, of every smtpd that asks.
std::vector<Finding> find_tls(const PostfixView& view);
/// Do Postfix's path and danegate's name one socket, and may smtpd open it.
std::vector<Finding> find_sockets(const PostfixView& view);
/// Where a permit grants relay, and where it does not or should not.
std::vector<Finding> find_relay(const PostfixView& view);
/// Proxies that speak for clients.
std::vector<Finding> find_proxies(const PostfixView& view);
/// RCPT and DATA lists that differ.
std::vector<Finding> find_stages(const PostfixView& view);
/// Timeouts, default actions and limits of check_policy_service.
std::vector<Finding> find_policy_client(const PostfixView& view);
std::vector<Finding> find_milter(const PostfixView& view);

/// All of these; what several entries of master.cf take from main.cf is said once.
std::vector<Finding> find_in_postfix(const PostfixView& view);

/// Postfix's time: "10s", "5m", "100"; nullopt for anything else.
std::optional<std::chrono::seconds> postfix_time(std::string_view text);

/// True for what permits: OK, PERMIT, RELAY, a number that is no reply code's.
bool is_permitting_action(std::string_view action);
/// True for what neither refuses nor defers: the permitting ones, DUNNO and its like.
bool is_lax_action(std::string_view action);
/// In force for this check: its own option, else the smtpd_policy_service_... parameter.
std::string_view policy_option(const SmtpdView& smtpd, const Ask& ask, std::string_view option);
/// Would an OK of this check let mail for other domains through?
bool grants_relay(const SmtpdView& smtpd, const Ask& ask);

} // namespace danegate::ctl
