// Where a client's keys live: one folder for each name, DIR/NAME, of mode 0700.
//
//   key.pem            the key in use: PRIVATE KEY and CERTIFICATE, as Postfix's smtp_tls_chain_files takes them
//   next.pem           the one that is published beside it
//   old-XXXXXXXX.pem   what key.pem was before a switch, named by its record's first octets
//
// No file is ever overwritten or deleted: new ones are written aside and linked to a name that is free; a switch links
// the present key to its old name and then renames the next one over key.pem, so at every moment key.pem is one of the
// two. Errors are Failure: EX_CANTCREAT for what cannot be written, EX_DATAERR for what cannot be read.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/ctl/provision_report.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace danegate::ctl {

inline constexpr const char* default_key_folder = "/etc/danegate/keys";

class KeyFolder {
public:
  /// `folder`: DIR. Its path stands in main.cf, so it may have letters, digits and "._-+@:/" only.
  KeyFolder(const std::filesystem::path& folder, const core::DnsName& name);

  /// nullopt: there is no such file. One that holds no certificate, or another key beside it, is a Failure.
  std::optional<ProvisionedKey> find(KeyRole role) const;
  std::vector<ProvisionedKey> old_keys() const;

  /// Makes the key unless it is there. `role`: current or next.
  ProvisionedKey find_or_make(KeyRole role) const;

  /// The next key becomes the current one; both have to be there.
  void switch_over() const;

  /// Of the folders and files: what lets others read or replace a key.
  std::vector<std::string> warnings() const;

private:
  std::filesystem::path file_of(KeyRole role) const;
  void make_folder() const;

  std::filesystem::path folder_; ///< DIR/NAME
  core::DnsName name_;
};

} // namespace danegate::ctl
