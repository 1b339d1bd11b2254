#include "daemon/service/last_words.h"
#include "tests/support/catch.h"

#include <array>
#include <csignal>
#include <exception>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Death {
  int signal = 0;
  std::string said;
};

/// A child with last_words() in force does `work`, with a pipe for its stderr.
Death death_of(void (*work)(), bool blocked) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::signal(SIGABRT, SIG_DFL); // the test program's own handler would report a failed test
    ::dup2(ends[1], STDERR_FILENO);
    if (blocked) {
      ::fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
      while (::write(STDERR_FILENO, "....", 4) > 0) {
      }
      ::fcntl(STDERR_FILENO, F_SETFL, 0);
    }
    std::set_terminate(danegate::service::last_words);
    work();
    ::_exit(0);
  }
  ::close(ends[1]);
  int status = 0;
  if (blocked) REQUIRE(::waitpid(child, &status, 0) == child); // ends before anybody reads
  Death death;
  std::array<char, 65536> buffer;
  ssize_t got = 0;
  while ((got = ::read(ends[0], buffer.data(), buffer.size())) > 0)
    death.said.append(buffer.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  if (!blocked) REQUIRE(::waitpid(child, &status, 0) == child);
  death.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return death;
}

void throw_error() {
  throw std::runtime_error("two\nlines");
}

void throw_number() {
  throw 7;
}

/// Where no exception can get out, it ends in std::terminate.
template <void (*thrower)()>
void let_out() noexcept {
  thrower();
}

} // namespace

TEST_CASE("std::terminate says why, in one line") {
  struct Row {
    const char* label;
    void (*work)();
    const char* end;
  };

  const Row rows[] = {
      {"an exception", let_out<throw_error>, "error=\"two\\x0alines\"\n"},
      {"not an exception's type", let_out<throw_number>, "error=\"an exception of unknown type\"\n"},
      {"no exception", [] { std::terminate(); }, "error=\"std::terminate without an exception\"\n"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    const Death death = death_of(row.work, false);
    CHECK(death.signal == SIGABRT);
    CHECK(death.said.starts_with("time="));
    CHECK(death.said.find(" level=error event=terminated msg=\"danegated cannot go on\" ") != std::string::npos);
    CHECK(death.said.ends_with(row.end));
  }
}

TEST_CASE("a stderr that nobody reads keeps nobody alive") {
  const Death death = death_of(let_out<throw_error>, true);
  CHECK(death.signal == SIGABRT);
  CHECK(death.said.find("terminated") == std::string::npos);
}
