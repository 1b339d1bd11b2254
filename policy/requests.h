// What `danegate explain` reads: policy requests one after the other, as a mail server would send them.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::policy {

inline constexpr std::size_t max_input = std::size_t{64} << 20; ///< octets of all requests together

/// The requests, each complete with its empty line. Further empty lines between them are skipped, and the last one may
/// lack its own: people paste them. The error names the request that it is about.
std::expected<std::vector<std::string>, std::string> split_requests(std::string_view text, std::size_t max_request);

} // namespace danegate::policy
