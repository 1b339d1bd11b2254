// A ToAscii with three names, so that what the core does with a converter is tested without one.
//
// The A-labels are those of RFC 3492's algorithm as `idn2` prints them. It answers in mixed case and with a final dot
// once, because the core has to canonicalise whatever the port returns.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace danegate::test {

inline std::optional<std::string> fake_to_ascii(std::string_view utf8) {
  if (utf8 == "bücher.example") return "xn--bcher-kva.example";
  if (utf8 == "mta1.bücher.example") return "mta1.xn--bcher-kva.example";
  if (utf8 == "BÜCHER.example") return "XN--BCHER-KVA.Example.";
  if (utf8 == "böse.example") return "no name.example"; // a converter that lets a space through
  return std::nullopt;
}

} // namespace danegate::test
