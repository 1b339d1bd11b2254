// Any text as a file that a rule names: identities, and grants.
#include "daemon/config/identity_files.h"
#include "tests/fuzz/memory_file.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/support/fake_idna.h"

using namespace danegate;
using config::Diagnostics;
using config::IdentityFiles;
using test::fake_to_ascii;
using test::require;

namespace {

const test::MemoryFile file;
const std::vector<config::Item> paths{{{"danegate.toml", 1, 1}, file.path()}};

/// Reads `text` by one of the readers; each error has to be in it.
template <typename Read>
auto read(const std::string& text, const Read& reader) {
  file.write(text);
  Diagnostics diagnostics;
  IdentityFiles files(fake_to_ascii, diagnostics);
  const auto set = (files.*reader)(paths);
  const auto lines = test::lines_of(text);
  require(diagnostics.failed() == (diagnostics.error_count() > 0), "errors are counted");
  std::size_t last = 0;
  for (const auto& error : diagnostics.take_errors()) {
    if (error.line == 0) continue; // the one that says how many more there are
    require(error.file == file.path() && error.line <= lines.size(), "an error is in the file");
    require(error.column >= 1 && error.column <= lines[error.line - 1].size(), "and in its line");
    require(error.line >= last && !error.message.empty(), "they come in order");
    last = error.line;
  }
  require(set->size() <= lines.size(), "at most one a line");
  return set;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text = test::text_of(data, size);
  const auto mta = core::parse_identity("mta1.acme.example", fake_to_ascii).value();
  const auto ceo = core::MailAddress::parse("ceo@acme.example", std::nullopt, fake_to_ascii);
  const auto identities = read(text, &IdentityFiles::identities);
  require(!identities->contains(mta) || test::shouted(text).contains("MTA1.ACME.EXAMPLE"),
          "who is named is in the text");
  const auto more = read(text + "\n MTA1.Acme.example. # it", &IdentityFiles::identities);
  require(more->contains(mta), "nothing before it hides a line");
  require(more->size() == identities->size() + (identities->contains(mta) ? 0 : 1), "nor is it more than one");
  const auto grants = read(text, &IdentityFiles::grants);
  require(!grants->allow(mta, ceo) || grants->names(mta), "who is not named is granted nothing");
  const auto granted = read(text + "\nmta1.acme.example .acme.example", &IdentityFiles::grants);
  require(granted->allow(mta, ceo), "a grant is one, whatever stands before it");
  return 0;
}
