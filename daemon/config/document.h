// The configuration files read and merged: every table checked against the schema, defaults filled in.
//
// conf.d/*.toml beside the main file are read in name order (by octets) and add to it: [[service]] and [[rule]] follow
// those of the files before, and a plain setting may stand in any one of the files; standing in two is an error that
// names both places.
#pragma once

#include "daemon/config/section.h"

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace danegate::config {

inline constexpr std::size_t max_files = 1000;          ///< in conf.d
inline constexpr std::size_t max_table_entries = 10000; ///< [[service]] and [[rule]], each

struct Document {
  std::map<std::string, Section, std::less<>> tables; ///< every plain table of the schema, whether written or not
  std::vector<Section> services;                      ///< in the order of the files; empty: none was written
  std::vector<Section> rules;

  const Section& table(std::string_view name) const { return tables.at(std::string(name)); }
};

/// What is wrong is reported; the document holds whatever was right. An empty name: no file is read.
Document read_document(const std::filesystem::path& main_file, Diagnostics& diagnostics);

/// One entry of [[service]] or [[rule]] from TOML text, with its defaults: for what the program itself lays down.
Section section_from_text(std::string_view table, const std::string& text, Diagnostics& diagnostics);

} // namespace danegate::config
