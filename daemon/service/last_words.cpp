#include "daemon/service/last_words.h"

#include "daemon/service/log_format.h"

#include <chrono>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include <poll.h>
#include <unistd.h>

namespace danegate::service {

namespace {

std::string line_about(std::string_view error) {
  std::string line;
  LineEncoder encoder(line, false);
  encoder.time("time", std::chrono::system_clock::now());
  encoder.text("level", "error");
  encoder.text("event", "terminated");
  encoder.text("msg", "danegated cannot go on");
  encoder.text("error", error);
  return line += '\n';
}

std::string line_about_exception() {
  try {
    if (const auto exception = std::current_exception()) std::rethrow_exception(exception);
    return line_about("std::terminate without an exception");
  } catch (const std::exception& error) {
    return line_about(error.what());
  } catch (...) {
    return line_about("an exception of unknown type");
  }
}

} // namespace

void last_words() noexcept {
  const std::string line = line_about_exception();
  pollfd ready{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
  [[maybe_unused]] ssize_t written = 0;
  if (::poll(&ready, 1, 0) == 1) written = ::write(STDERR_FILENO, line.data(), line.size());
  std::abort();
}

} // namespace danegate::service
