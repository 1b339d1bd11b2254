// A folder of its own for the socket files of one test, gone afterwards.
#pragma once

#include "daemon/config/config.h"
#include "tests/support/catch.h"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace danegate::test {

class Sandbox {
public:
  Sandbox() {
    std::string name = (std::filesystem::temp_directory_path() / "danegate-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    root_ = name;
  }

  Sandbox(const Sandbox&) = delete;
  Sandbox& operator=(const Sandbox&) = delete;

  ~Sandbox() {
    std::error_code ignored;
    std::filesystem::remove_all(root_, ignored);
  }

  std::string path(const std::string& name) const { return root_ / name; }

  config::Listen socket(const std::string& name) const { return {config::Listen::Kind::unix_socket, path(name), 0}; }

private:
  std::filesystem::path root_;
};

} // namespace danegate::test
