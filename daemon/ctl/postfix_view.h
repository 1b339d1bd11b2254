// Postfix's configuration as danegate sees it: which smtpd asks it, in which list, for which of its services.
//
// Made by look_at_postfix() from what postconf said; the find_* functions (postfix_findings.h) read it. Pure but for
// Surroundings, which the tests replace. Pointers into the configuration and the setup: both have to outlive it.
#pragma once

#include "daemon/config/config.h"
#include "daemon/config/postfix_setup.h"
#include "daemon/ctl/finding.h"
#include "daemon/ctl/restrictions.h"

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

/// What has to be asked of the system.
struct Surroundings {
  std::function<std::string(const std::string& path)> canonical;            ///< links followed as far as it exists
  std::function<std::optional<unsigned>(const std::string& user)> group_of; ///< the user's own group
  std::function<std::optional<unsigned>(const std::string& group)> group_number;
  std::function<bool(const std::string& path)> is_folder;
};

/// One check_policy_service that is danegate's, or looks as if it were meant to be.
struct Ask {
  std::string list;     ///< the parameter whose list it stands in
  std::size_t position; ///< in that list
  Endpoint endpoint;
  bool listening; ///< danegate listens there
  bool reached;   ///< no unconditional permit or reject stands before it
  bool context_unknown = false;
  bool no_service = false;              ///< neither context nor port chooses one
  const core::Service* judge = nullptr; ///< whose rules apply; null: none, or it cannot be told
};

/// danegate's milter in smtpd_milters, or what looks as if it were meant to be.
struct MilterUse {
  Endpoint endpoint;
  bool listening;
};

struct SmtpdView {
  const config::PostfixService* service;
  std::map<std::string, Restrictions, std::less<>> lists; ///< classes unfolded
  std::vector<Ask> asks;
  std::vector<Ask> class_asks; ///< in classes that only a map may name; their list is the class
  bool map_may_ask = false;    ///< there are such, and a list has a map
  std::vector<MilterUse> milters;

  const Restrictions& list(std::string_view name) const;
  bool asks_at(std::string_view name) const;
  /// A map's own name has that of the class in it, as danegate_senders has: nobody calls a map so by chance.
  bool a_map_is_named_after(const Ask& class_ask) const;
  /// Both kinds: what is to be said about the check itself, whoever is asked about.
  std::vector<const Ask*> all_asks() const;
};

struct PostfixView {
  std::string file; ///< danegate's configuration
  const config::Config& config;
  const config::PostfixSetup& setup;
  const Surroundings& around;
  std::vector<SmtpdView> smtpd;

  std::string main_cf() const { return setup.folder + "/main.cf"; }

  std::string master_cf() const { return setup.folder + "/master.cf"; }
};

PostfixView look_at_postfix(std::string file, const config::Config& config, const config::PostfixSetup& setup,
                            const Surroundings& around);

/// What a smtpd writes for this socket; empty: it cannot reach it from its chroot.
std::string address_for(const PostfixView& view, const config::PostfixService& service, const config::Listen& listen);

/// A check as README has it, for this service of danegate's.
Endpoint good_endpoint(const PostfixView& view, const config::PostfixService& service, const core::Service* judge);

/// The file that smtpd opens for "unix:path": relative to the queue, which is its root where it runs in a chroot.
std::string socket_path(const config::PostfixService& service, std::string_view address);

/// The lists that Postfix goes through at RCPT, in no special order, and those of the data stage.
extern const std::vector<std::string> rcpt_lists;
extern const std::vector<std::string> data_lists;

/// About a parameter as it is in force for this smtpd: found where it was set.
Finding parameter_finding(const PostfixView& view, const config::PostfixService& service, std::string_view parameter,
                          Finding finding);
/// Sets a parameter where it is in force for this smtpd; `force`: below its entry of master.cf in any case.
Fix set_parameter(const PostfixView& view, const config::PostfixService& service, std::string_view parameter,
                  std::string_view value, bool force = false);
/// The same for the one check: the line of its parameter with the endpoint replaced.
Fix replace_endpoint(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, const Endpoint& by);

/// Is the rule eligible for the service? A null service may be any.
bool is_for(const core::Rule& rule, const core::Service* service);
/// Does a rule of the envelope permit there?
bool some_rule_permits(const config::Config& config, const core::Service* service);
/// Is something refused there, and not only monitored? `from`: rules of the header instead of the envelope's.
bool some_rule_refuses(const config::Config& config, const core::Service* service, bool from = false);

} // namespace danegate::ctl
