#include "daemon/ctl/terminal.h"

#include <fmt/format.h>

#include <cstdlib>

#include <unistd.h>

namespace danegate::ctl {

namespace {

/// SGR parameters (ECMA-48 section 8.3.117); empty: as it is.
std::string_view parameters_of(Tone tone) noexcept {
  switch (tone) {
  case Tone::plain: return "";
  case Tone::strong: return "1";
  case Tone::quiet: return "2";
  case Tone::good: return "32";
  case Tone::doubtful: return "33";
  case Tone::bad: return "31";
  }
  return "";
}

std::string_view environment(const char* name) noexcept {
  const char* const value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): nothing here sets it
  return value ? value : "";
}

} // namespace

Style Style::for_descriptor(int descriptor) noexcept {
  Style style;
  style.coloured_ = ::isatty(descriptor) == 1 && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  return style;
}

Style Style::coloured() noexcept {
  Style style;
  style.coloured_ = true;
  return style;
}

std::string Style::paint(Tone tone, std::string_view text) const {
  const auto parameters = parameters_of(tone);
  if (!coloured_ || parameters.empty() || text.empty()) return std::string(text);
  return fmt::format("\x1b[{}m{}\x1b[0m", parameters, text);
}

} // namespace danegate::ctl
