// A Log that writes into memory, and its lines.
#pragma once

#include "daemon/service/log.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

namespace danegate::service {

class CapturedLog {
public:
  CapturedLog() : memory_(::memfd_create("log", MFD_CLOEXEC)), log(config::LogSettings{}, memory_) {
    REQUIRE(memory_ >= 0);
  }

  CapturedLog(const CapturedLog&) = delete;
  CapturedLog& operator=(const CapturedLog&) = delete;

  ~CapturedLog() {
    log.flush();
    ::close(memory_);
  }

private:
  int memory_; // before the log, which writes to it

public:
  Log log;

  /// Every line so far, without its time.
  std::vector<std::string> lines() {
    log.flush();
    std::string text(static_cast<std::size_t>(::lseek(memory_, 0, SEEK_END)), '\0');
    REQUIRE(::pread(memory_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    std::vector<std::string> lines;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::size_t after_time = text.find(' ', begin) + 1;
      lines.push_back(text.substr(after_time, end - after_time));
    }
    return lines;
  }
};

} // namespace danegate::service
