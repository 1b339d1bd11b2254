// Configuration files in a folder of their own, and an environment that depends on no host.
#pragma once

#include "daemon/config/load.h"
#include "daemon/tls/hash.h"
#include "tests/support/catch.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace danegate::config {

class Folder {
public:
  Folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "danegate-config-XXXXXX").string();
    if (!::mkdtemp(pattern.data())) throw std::runtime_error("mkdtemp");
    path_ = pattern;
  }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string write(const std::string& name, std::string_view text) const {
    const auto file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

  std::string path(const std::string& name) const { return (path_ / name).string(); }

private:
  std::filesystem::path path_;
};

/// The one name of a test that is not ASCII, converted by hand (idn2 says the same).
inline std::optional<std::string> fake_to_ascii(std::string_view utf8) {
  if (utf8 == "b\u00fccher.example") return "xn--bcher-kva.example";
  return std::nullopt;
}

inline Environment environment() {
  return {"mx.example.net", "example.net", {tls::hash, fake_to_ascii}};
}

using Loaded = std::expected<ConfigPtr, std::vector<ConfigError>>;

inline std::string text_of(const std::vector<ConfigError>& errors) {
  std::string text;
  for (const auto& error : errors)
    text += error.text() + '\n';
  return text;
}

/// Loads and expects success.
inline ConfigPtr load_good(const std::string& file) {
  auto loaded = load(file, environment());
  INFO(file << ": " << (loaded ? std::string() : text_of(loaded.error())));
  REQUIRE(loaded);
  return *loaded;
}

inline ConfigPtr load_text(std::string_view text) {
  const Folder folder;
  return load_good(folder.write("danegate.toml", text));
}

/// "line:column: message" of each.
inline std::vector<std::string> positions(const std::vector<ConfigError>& errors) {
  std::vector<std::string> texts;
  for (const auto& error : errors) {
    ConfigError without_file = error;
    without_file.file = std::filesystem::path(error.file).filename().string();
    texts.push_back(without_file.text());
  }
  return texts;
}

} // namespace danegate::config
