// Any text as a configuration file.
#include "daemon/config/load.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/support/fake_idna.h"

using namespace danegate;
using test::require;

namespace {

core::Bytes no_digest(core::DigestAlgorithm /*unused*/, core::ByteView /*unused*/) {
  return {};
}

const test::MemoryFile file;
const config::Environment environment{"mx.example.net", "example.net", {no_digest, test::fake_to_ascii}};

void look_at(const std::vector<config::ConfigError>& reports, const std::string& text) {
  const std::size_t lines = test::lines_of(text).size() + 1;
  for (const auto& report : reports) {
    require(!report.message.empty(), "a report says something");
    if (report.file != file.path()) continue; // of a list file, or that there are more
    require(report.line <= lines, "a report has a place in the file");
    require((report.line == 0) == (report.column == 0) && report.column <= text.size() + 1, "and in a line");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = test::text_of(data, size);
  file.write(text);
  const auto loaded = config::load(file.path(), environment);
  if (!loaded) {
    require(!loaded.error().empty(), "what is refused has an error");
    return look_at(loaded.error(), text), 0;
  }
  const config::Config& made = **loaded;
  look_at(made.warnings, text);
  require(made.rules && !made.rules->services().empty() && !made.server.authserv_id.empty(), "what loads is whole");
  require(made.rule_places.size() == made.rules->rules().size(), "each rule has a place");
  const auto printed = config::print(file.path(), environment);
  require(printed.has_value(), "what loads is printed");
  file.write(*printed);
  const auto again = config::print(file.path(), environment);
  require(again && *again == *printed, "and what was printed loads, and is the same");
  return 0;
}
