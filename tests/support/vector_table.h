// Reads the text tables under tests/data that third-party tools filled: one row a line, cells between " | ".
#pragma once

#include "daemon/core/ports.h"

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::test {

/// One row; every row of a table has the same number of cells.
using Row = std::vector<std::string>;

inline Row split(std::string_view text, std::string_view separator) {
  Row cells;
  for (;;) {
    const auto end = text.find(separator);
    cells.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return cells;
    text.remove_prefix(end + separator.size());
  }
}

/// Throws unless the file is there and every line has `cells` cells. `file` is relative to tests/data.
inline std::vector<Row> read_table(const std::string& file, std::size_t cells) {
  std::ifstream in(std::string(DANEGATE_TEST_DATA) + '/' + file);
  if (!in) throw std::runtime_error(file + " cannot be read");
  std::vector<Row> rows;
  for (std::string line; std::getline(in, line);) {
    rows.push_back(split(line, " | "));
    if (rows.back().size() != cells) throw std::runtime_error(file + ": " + line);
  }
  return rows;
}

/// Lower-case hexadecimal as the tools write it.
inline core::Bytes from_hex(std::string_view hex) {
  constexpr std::string_view digits = "0123456789abcdef";
  if (hex.size() % 2 != 0 || hex.find_first_not_of(digits) != std::string_view::npos)
    throw std::runtime_error("not hexadecimal: " + std::string(hex));
  core::Bytes bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(digits.find(hex[i]) << 4 | digits.find(hex[i + 1])));
  return bytes;
}

} // namespace danegate::test
