// Files that hold certificates and keys, read within their bound.
#pragma once

#include <expected>
#include <string>

namespace danegate::tls {

/// At most max_pem + 1 octets (certificate.h): who parses them sees that there are too many. The error is the system's.
std::expected<std::string, std::string> read_pem_file(const std::string& file);

} // namespace danegate::tls
