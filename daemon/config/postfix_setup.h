// What a Postfix instance on this host is configured to do, as far as danegate is concerned: each smtpd of its
// master.cf with the value that every parameter has there.
//
// Postfix's own tool does the work: `postconf -x -o NAME=VALUE...` with the -o lines of an entry says what is in force
// in that entry, with conditions and $names expanded. Values of one call; blocking only as far as the call is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::config {

using PostfixValues = std::map<std::string, std::string, std::less<>>;

/// One line of master.cf that runs smtpd.
struct PostfixService {
  std::string name; ///< "smtp", "127.0.0.1:2525"
  std::string type; ///< "inet", "pass"
  bool chroot = false;
  PostfixValues overrides; ///< its -o lines, as written
  PostfixValues values;    ///< every parameter in force here

  /// "submission/inet".
  std::string entry() const { return name + '/' + type; }

  /// Empty for a parameter that this Postfix does not have.
  std::string_view value(std::string_view parameter) const noexcept;

  /// nullopt: a name that is not one of mail's, or a service behind postscreen.
  std::optional<std::uint16_t> port() const;

  bool is_version(unsigned major, unsigned minor) const noexcept; ///< or later; true where it is not known
  /// Below `major`.`minor`; false where it is not known.
  bool is_compatible_below(unsigned major, unsigned minor) const noexcept;
};

struct PostfixSetup {
  std::string folder;   ///< of main.cf and master.cf
  PostfixValues values; ///< of main.cf
  std::vector<PostfixService> smtpd;
  std::size_t left_out = 0; ///< smtpd entries past max_smtpd
};

inline constexpr std::size_t max_smtpd = 64;

/// Runs the tool with these arguments; nullopt if that failed.
using RunPostconf = std::function<std::optional<std::string>(const std::vector<std::string>& arguments)>;

/// nullopt if the tool could not say.
std::optional<PostfixSetup> read_postfix(const std::string& folder, const RunPostconf& run);

/// The lines of `postconf -M` that run smtpd; their parameters are not filled in. `chroot`: what "-" means.
std::vector<PostfixService> parse_master(std::string_view text, bool chroot);

} // namespace danegate::config
