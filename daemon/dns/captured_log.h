// What a C library writes to a stdio stream, as text.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <utility>

namespace danegate::dns {

class CapturedLog {
public:
  CapturedLog() : stream_(::open_memstream(&buffer_, &size_)) {
    if (stream_ == nullptr) throw std::runtime_error("open_memstream failed");
  }

  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  ~CapturedLog() {
    if (stream_ != nullptr) std::fclose(stream_);
    std::free(buffer_); // NOLINT(cppcoreguidelines-no-malloc): open_memstream's
  }

  std::FILE* stream() const noexcept { return stream_; }

  /// Ends the capture; once.
  std::string take() {
    std::fclose(std::exchange(stream_, nullptr));
    return {buffer_, size_};
  }

private:
  char* buffer_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* stream_;
};

} // namespace danegate::dns
