// Runs a fuzz target over files, and over the files of folders: the corpus as a test, without a fuzzer.
//
//     replay_TARGET FILE-OR-FOLDER...
//
// Each file stands for itself and, to get more out of few, for each of its prefixes up to a bound.
#include "tests/fuzz/require.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace {

constexpr std::size_t max_prefixes = 512;

void replay(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  const std::vector<char> text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  if (!in) throw std::runtime_error(path.string() + " cannot be read");
  std::printf("%s\n", path.c_str());
  std::fflush(stdout); // before the target may abort
  // A copy as long as the text is, so that a sanitizer sees a step beyond it.
  for (std::size_t length = 0; length <= std::min(text.size(), max_prefixes); ++length) {
    const std::vector<std::uint8_t> prefix(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(length));
    LLVMFuzzerTestOneInput(prefix.data(), prefix.size());
  }
  const std::vector<std::uint8_t> whole(text.begin(), text.end());
  LLVMFuzzerTestOneInput(whole.data(), whole.size());
}

std::vector<std::filesystem::path> files_of(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> files;
  if (!std::filesystem::is_directory(path)) return {path};
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

} // namespace

int main(int argc, char** argv) try {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& file : files_of(argv[i])) {
      replay(file);
      ++count;
    }
  }
  if (count == 0) throw std::runtime_error("no file to replay");
  std::printf("%zu files\n", count);
  return 0;

} catch (const std::exception& error) {

  std::fprintf(stderr, "replay: %s\n", error.what());
  return 1;
}
