// The receive buffer of one connection: what has come and is not answered yet. Pure; reused from request to request.
//
// Life cycle: { read into space(), filled(n) until next() gives a request; answer it; consumed() } again. The text that
// next() gave stays where it is until consumed(); nothing is read into the buffer in between.
#pragma once

#include "policy/request.h"

#include <cstddef>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace danegate::policy {

class Inbox {
public:
  /// What a connection holds while it waits: Postfix's requests are about 1 KiB.
  static constexpr std::size_t usual_size = 4096;

  /// `max_request`: limits.request-bytes; begin() may change it between requests.
  explicit Inbox(std::size_t max_request) : scanner_(max_request) {}

  /// The next request begins; what came behind the last one stays.
  void begin(std::size_t max_request) noexcept { scanner_ = RequestScanner{max_request}; }

  /// Where the next octets go; never empty. The buffer grows as far as the scanner lets a request grow, not further.
  std::span<char> space();

  void filled(std::size_t octets) noexcept { end_ += octets; }

  /// The first complete request with its empty line; nullopt: read more.
  std::expected<std::optional<std::string_view>, RequestError> next() noexcept;

  /// What next() gave, read.
  std::expected<Request, RequestError> request() const noexcept { return scanner_.request(pending()); }

  /// The request that next() gave is answered.
  void consumed();

  bool empty() const noexcept { return begin_ == end_; }

private:
  std::string_view pending() const noexcept { return {buffer_.data() + begin_, end_ - begin_}; }

  RequestScanner scanner_;
  std::vector<char> buffer_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
  std::size_t request_ = 0; ///< octets of what next() gave
};

} // namespace danegate::policy
