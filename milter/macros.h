// The macros that a mail server sends with a milter event: which are asked for at which stage, and how they are read.
//
// Postfix and Sendmail send only what a filter asked for or the administrator configured, and take their values when
// they send; so TLS is asked for at MAIL as well as at HELO. What is not sent is empty here.
#pragma once

#include <array>
#include <functional>
#include <string>

namespace danegate::milter {

/// The value now; empty if the macro is not set. Copied: libmilter's memory is replaced at the next stage.
using Macros = std::function<std::string(const char* name)>;

/// In the order of libmilter's SMFIM_ constants. Sendmail (8.17 and 8.18) looks at the list for EOH where it should
/// look at the one for EOM, so both are there and alike (MTA documentation is silent; seen in its source and live).
inline constexpr std::array<const char*, 7> macro_lists{
    "j v {daemon_name} {daemon_addr} {daemon_port} {client_resolve}",                                // connect
    "{tls_version} {cipher} {verify} {cert_fp} {cert_md5} {cn_subject}",                             // HELO
    "i {auth_type} {auth_authen} {tls_version} {cipher} {verify} {cert_fp} {cert_md5} {cn_subject}", // MAIL
    "i",                                                                                             // RCPT
    "i",                                                                                             // DATA
    "i",                                                                                             // end of message
    "i",                                                                                             // end of header
};

} // namespace danegate::milter
