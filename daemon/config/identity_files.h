// The files that rules name: `identity-files` (one identity a line) and `grants` (identity sender-pattern...).
//
// A line may be empty, and "#" begins a comment at its start or after white space. Every wrong line is reported with
// its position. One object serves one load(): rules that name the same files share what was read.
#pragma once

#include "daemon/config/section.h"
#include "daemon/core/identity_set.h"

#include <map>
#include <memory>
#include <vector>

namespace danegate::config {

inline constexpr std::size_t max_list_octets = std::size_t{512} << 20; ///< of one file; millions of identities
inline constexpr std::size_t max_list_line = 4096;

class IdentityFiles {
public:
  IdentityFiles(core::ToAscii to_ascii, Diagnostics& diagnostics) : to_ascii_(to_ascii), diagnostics_(diagnostics) {}

  /// Null if `paths` is empty. A file that cannot be read is reported where the configuration names it.
  std::shared_ptr<const core::IdentitySet> identities(const std::vector<Item>& paths);
  std::shared_ptr<const core::Grants> grants(const std::vector<Item>& paths);

private:
  void read_identities(const Item& path, core::IdentitySet& into);
  void read_grants(const Item& path, core::Grants& into);

  using Paths = std::vector<std::string>;

  core::ToAscii to_ascii_;
  Diagnostics& diagnostics_;
  std::map<Paths, std::shared_ptr<const core::IdentitySet>> identity_sets_;
  std::map<Paths, std::shared_ptr<const core::Grants>> grant_sets_;
};

} // namespace danegate::config
