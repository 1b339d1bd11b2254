#include "policy/inbox.h"

#include <algorithm>
#include <cstring>

namespace danegate::policy {

std::span<char> Inbox::space() {
  if (buffer_.empty()) buffer_.resize(usual_size);
  if (end_ == buffer_.size() && begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
  return {buffer_.data() + end_, buffer_.size() - end_};
}

std::expected<std::optional<std::string_view>, RequestError> Inbox::next() noexcept {
  const auto length = scanner_.scan(pending());
  if (!length) return std::unexpected(length.error());
  if (!*length) return std::nullopt;
  request_ = **length;
  return pending().substr(0, request_);
}

void Inbox::consumed() {
  begin_ += request_;
  request_ = 0;
  if (!empty()) return;
  begin_ = end_ = 0;
  if (buffer_.size() <= usual_size) return;
  // One large request does not make the connection large for good.
  buffer_.resize(usual_size);
  buffer_.shrink_to_fit();
}

} // namespace danegate::policy
