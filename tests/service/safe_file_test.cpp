#include "daemon/service/safe_file.h"

#include "tests/config/config_files.h"

namespace danegate::service {

namespace {

std::string text_of(const std::string& file) {
  const auto octets = read_octets(file, 100);
  REQUIRE(octets);
  REQUIRE(*octets);
  return {(*octets)->begin(), (*octets)->end()};
}

SafeFile written(const std::string& file, std::string_view text) {
  auto safe = SafeFile::begin(file);
  REQUIRE(safe);
  REQUIRE(safe->write({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}));
  return std::move(*safe);
}

} // namespace

TEST_CASE("A new file takes no name that is taken", "[service]") {
  const config::Folder folder;
  const auto file = folder.path("key");
  CHECK(written(file, "first").commit_new());
  CHECK(text_of(file) == "first");
  CHECK(written(file, "second").commit_new().error() == "cannot be written: File exists");
  CHECK(text_of(file) == "first");
  CHECK(written(file, "third").commit());
  CHECK(text_of(file) == "third");
  CHECK_FALSE(std::filesystem::exists(SafeFile::temporary_name(file)));
}

TEST_CASE("Two that write a new file at the same time: one of them, whole", "[service]") {
  const config::Folder folder;
  const auto file = folder.path("key");
  auto first = written(file, "first");
  auto second = written(file, "second"); // takes the temporary name from the first
  CHECK_FALSE(first.commit_new());
  CHECK(second.commit_new());
  CHECK(text_of(file) == "second");
}

} // namespace danegate::service
