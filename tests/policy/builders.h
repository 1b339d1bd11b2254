// Short ways to write requests and configurations.
#pragma once

#include "daemon/config/config.h"
#include "policy/request.h"
#include "tests/core/builders.h"

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace danegate::test {

inline constexpr std::string_view some_digest =
    "3E:98:04:3F:72:B5:AB:21:8F:3F:90:81:6F:6C:A8:84:9A:93:16:47:BD:48:7A:DF:C5:65:40:F2:4F:8C:A1:C4";
inline constexpr std::string_view some_key_digest =
    "DD:48:33:E3:DE:8B:69:CB:47:67:77:CB:8F:D3:8D:B5:31:FC:65:77:A2:A7:AE:23:C1:D1:F7:E7:E2:BA:A4:3F";

using Attributes = std::vector<std::pair<std::string, std::string>>;

/// As they go over the wire, with the empty line.
inline std::string wire(const Attributes& attributes) {
  std::string text;
  for (const auto& [name, value] : attributes)
    text += name + "=" + value + "\n";
  return text + "\n";
}

/// A request of Postfix 3.10 at RCPT over TLS with a certificate that no CA vouches for. Then the changes: a value
/// replaces, "-" as a value takes the attribute out.
inline Attributes attributes(std::initializer_list<std::pair<std::string_view, std::string_view>> changes = {}) {
  Attributes all{{"request", "smtpd_access_policy"},
                 {"protocol_state", "RCPT"},
                 {"protocol_name", "ESMTP"},
                 {"client_address", "192.0.2.1"},
                 {"client_name", "mta1.acme.example"},
                 {"client_port", "43148"},
                 {"server_address", "192.0.2.25"},
                 {"server_port", "25"},
                 {"helo_name", "mta1.acme.example"},
                 {"sender", "ceo@acme.example"},
                 {"recipient", "b@example.net"},
                 {"recipient_count", "0"},
                 {"queue_id", ""},
                 {"instance", "64cf.6b021a11.2699f.0"},
                 {"sasl_method", ""},
                 {"sasl_username", ""},
                 {"ccert_subject", ""},
                 {"ccert_issuer", ""},
                 {"ccert_fingerprint", std::string{some_digest}},
                 {"ccert_pubkey_fingerprint", std::string{some_key_digest}},
                 {"encryption_protocol", "TLSv1.3"},
                 {"encryption_cipher", "TLS_AES_256_GCM_SHA384"},
                 {"policy_context", ""}};
  for (const auto& [name, value] : changes) {
    const auto found = std::ranges::find(all, name, &Attributes::value_type::first);
    if (found == all.end()) {
      all.emplace_back(name, value);
    } else if (value == "-") {
      all.erase(found);
    } else {
      found->second = value;
    }
  }
  return all;
}

inline core::Service service(std::string name, std::vector<std::uint16_t> ports) {
  core::Service made;
  made.name = std::move(name);
  made.ports = std::move(ports);
  made.names.push_back(owner_template("_smtp-client.{helo}"));
  return made;
}

/// Two services, "smtp" on 25 and "submission" on 465 and 587, and no rules.
inline std::shared_ptr<config::Config> policy_config() {
  auto made = std::make_shared<config::Config>();
  made->server.authserv_id = "mx.example.net";
  made->server.origin = dns_name("example.net");
  made->rules = std::make_shared<const core::RuleSet>(
      std::vector<core::Service>{service("smtp", {25}), service("submission", {465, 587})}, std::vector<core::Rule>{},
      std::vector<core::DnsName>{}, false);
  return made;
}

} // namespace danegate::test
