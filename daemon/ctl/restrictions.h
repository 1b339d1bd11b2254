// Postfix's restriction lists, and the policy services in them. Pure.
//
// A list is words with commas or blanks between them; { } keeps a word together, at any depth. Some restrictions take
// the next word with them, and a restriction class stands for a list of its own.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

inline constexpr std::size_t max_restrictions = 2000; ///< of a list, and classes in it; what is past it is not seen
inline constexpr std::size_t max_class_depth = 8;

struct Restriction {
  std::string name;       ///< as written
  std::string argument;   ///< of those that take one, braces included
  std::string holder;     ///< the parameter that it stands in: the list's own, or a restriction class
  bool warn_only = false; ///< warn_if_reject stands before it

  /// As it may be written again.
  std::string text() const;
  bool is(std::string_view word) const noexcept; ///< letter case does not count
  /// An access map, whose content may permit, refuse, or name a class.
  bool is_map() const noexcept;
  /// Ends the list for everybody.
  bool is_unconditional() const noexcept;
  /// Keeps mail for other domains from going on.
  bool refuses_relay() const noexcept;
  /// Depends on the recipient, so that it means nothing at DATA.
  bool is_about_recipients() const noexcept;
};

using Restrictions = std::vector<Restriction>;

/// The value of a parameter; empty where there is none.
using ParameterValue = std::function<std::string_view(std::string_view)>;

/// The words of a list.
std::vector<std::string> split_list(std::string_view value);

/// What `parameter` holds; classes (those of smtpd_restriction_classes) unfolded.
Restrictions unfold(std::string_view parameter, const ParameterValue& value_of);

/// Restrictions as one list again.
std::string join(const Restrictions& list);

/// An endpoint and its options, of check_policy_service or smtpd_milters: "unix:path" or "{ unix:path, name=value,
/// { name = value } }".
struct Endpoint {
  std::string address; ///< "unix:path", "inet:host:port"
  std::map<std::string, std::string, std::less<>> options;

  static Endpoint parse(std::string_view text);
  /// As it may be written again, in braces.
  std::string text() const;
};

} // namespace danegate::ctl
