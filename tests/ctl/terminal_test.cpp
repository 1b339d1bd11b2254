#include "daemon/ctl/terminal.h"

#include "tests/support/catch.h"

#include <cstdlib>

#include <pty.h>
#include <unistd.h>

namespace danegate::ctl {

namespace {

/// A pseudo-terminal and a pipe, and the two variables as a case wants them.
class Descriptors {
public:
  Descriptors() {
    REQUIRE(::openpty(&terminal[0], &terminal[1], nullptr, nullptr, nullptr) == 0);
    REQUIRE(::pipe(pipe) == 0);
  }

  Descriptors(const Descriptors&) = delete;
  Descriptors& operator=(const Descriptors&) = delete;

  ~Descriptors() {
    for (const int each : {terminal[0], terminal[1], pipe[0], pipe[1]})
      ::close(each);
  }

  int terminal[2]{};
  int pipe[2]{};
};

void set(const char* name, const char* value) {
  if (value)
    ::setenv(name, value, 1);
  else
    ::unsetenv(name);
}

} // namespace

TEST_CASE("Colour on a terminal only, and not where it is not wanted", "[ctl]") {
  struct Case {
    const char* label;
    bool terminal;
    const char* no_color;
    const char* term;
    bool coloured;
  };

  const Descriptors descriptors;
  for (const auto& each : {Case{"a terminal", true, nullptr, "xterm", true},
                           {"a pipe", false, nullptr, "xterm", false},
                           {"NO_COLOR", true, "1", "xterm", false},
                           {"NO_COLOR empty", true, "", "xterm", true},
                           {"dumb", true, nullptr, "dumb", false}}) {
    INFO(each.label);
    set("NO_COLOR", each.no_color);
    set("TERM", each.term);
    const auto style = Style::for_descriptor(each.terminal ? descriptors.terminal[1] : descriptors.pipe[1]);
    CHECK(style.is_coloured() == each.coloured);
    CHECK(style.paint(Tone::bad, "x") == (each.coloured ? "\x1b[31mx\x1b[0m" : "x"));
  }
}

TEST_CASE("Plain text stays plain in colour, too", "[ctl]") {
  CHECK(Style::coloured().paint(Tone::plain, "x") == "x");
  CHECK(Style::coloured().paint(Tone::good, "").empty());
}

TEST_CASE("No escape sequence of a peer's gets through", "[ctl]") {
  CHECK(printable("a\x1b[31mb\n\xc3\xa9 ~") == "a\\x1b[31mb\\x0a\\xc3\\xa9 ~");
}

} // namespace danegate::ctl
