// What goes to people's terminals: colour where it is wanted, and nothing but printable text. Values; any thread.
#pragma once

#include "daemon/service/printable.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace danegate::ctl {

enum class Tone : std::uint8_t { plain, strong, quiet, good, doubtful, bad };

/// Colours text, or leaves it alone: plain unless it is made for a terminal.
class Style {
public:
  Style() = default;

  /// Colour if the descriptor is a terminal, unless NO_COLOR is set and not empty (no-color.org) or TERM is "dumb".
  static Style for_descriptor(int descriptor) noexcept;

  /// Colour in any case.
  static Style coloured() noexcept;

  bool is_coloured() const noexcept { return coloured_; }

  /// `text` itself, or between the escape sequences for this tone.
  std::string paint(Tone tone, std::string_view text) const;

private:
  bool coloured_ = false;
};

using service::printable; // whatever peers and zones chose

} // namespace danegate::ctl
