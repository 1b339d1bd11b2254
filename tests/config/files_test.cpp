// Several files: conf.d, identity-files, grants.
#include "tests/config/config_files.h"

#include <algorithm>

namespace danegate::config {

namespace {

std::vector<std::string> errors_of(const std::string& file) {
  const auto loaded = load(file, environment());
  REQUIRE_FALSE(loaded);
  return positions(loaded.error());
}

} // namespace

TEST_CASE("conf.d may set what the main file does not", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "[dns]\ntimeout = \"2s\"\n");
  folder.write("conf.d/a.toml", "[dns]\nmax-ttl = \"2h\"\n[limits]\nlookups = 3\n");
  const auto config = load_good(file);
  CHECK(config->dns.timeout == std::chrono::seconds(2));
  CHECK(config->dns.max_ttl == std::chrono::hours(2));
  CHECK(config->limits.lookups == 3);
}

TEST_CASE("No file at all: every setting has its default", "[config]") {
  const auto config = load_good("");
  CHECK(config->rules->services().size() == 2);
  CHECK(config->rules->rules().empty());
  CHECK(config->dns.timeout == load_text("")->dns.timeout);
}

TEST_CASE("The same setting in two files is an error that names both places", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "[dns]\ntimeout = \"2s\"\n");
  folder.write("conf.d/a.toml", "\n[dns]\ntimeout = \"2s\"\n");
  const auto found = errors_of(file);
  CHECK(found == std::vector<std::string>{"a.toml:3:11: dns.timeout is set at " + file + ":2:11 already"});
}

TEST_CASE("Names are unique across files", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "[[rule]]\nname = \"r\"\nsenders = [\"a.example\"]\n");
  folder.write("conf.d/a.toml", "[[rule]]\nname = \"r\"\n");
  CHECK(errors_of(file) == std::vector<std::string>{"a.toml:2:8: rule \"r\" stands at " + file + ":2:8 already"});
}

TEST_CASE("Mistakes in several files are reported in the order in which they are read", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "[dns]\nx = 1\n");
  folder.write("conf.d/b.toml", "not toml\n");
  folder.write("conf.d/a.toml", "[log]\ny = 1\n");
  const auto found = errors_of(file);
  REQUIRE(found.size() == 3);
  CHECK(found[0].starts_with("danegate.toml:2:1: unknown setting \"x\""));
  CHECK(found[1].starts_with("a.toml:2:1: unknown setting \"y\""));
  CHECK(found[2].starts_with("b.toml:1:"));
}

TEST_CASE("A conf.d that is no folder is an error", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "");
  folder.write("conf.d", "");
  const auto found = errors_of(file);
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("conf.d: cannot be read: "));
}

TEST_CASE("Every wrong line of a list is reported with its position", "[config]") {
  const Folder folder;
  const auto file =
      folder.write("danegate.toml", "[[rule]]\nname = \"r\"\nidentity-files = [\"list\"]\ngrants = [\"grants\"]\n");
  folder.write("list", "good.example\n  two words\nbad..name\n" + std::string(5000, 'x') +
                           "\nb\u00fccher.example b\n@x.example");
  folder.write("grants", "a.example\nb.example x.example b\u00fccher.example y..z\n-\n#\nc.example not/a/domain\n");
  const auto found = errors_of(file);
  const std::vector<std::string> expected{
      "list:2:7: expected one identity a line",
      "list:3:1: expected a domain or an address, found \"bad..name\": empty label",
      "list:4:1: the line is longer than 4096 octets",
      "list:5:16: expected one identity a line",
      "list:6:1: expected a domain or an address, found \"@x.example\": an address needs a local part",
      "grants:1:1: expected at least one sender after \"a.example\"",
      "grants:2:36: expected a sender (domain, .domain, address or \"<>\"), found \"y..z\": empty label",
      "grants:3:1: expected at least one sender after \"-\"",
      "grants:5:11: expected a sender (domain, .domain, address or \"<>\"), found \"not/a/domain\": character other "
      "than "
      "letters, digits, hyphen and underscore",
  };
  // Both files are named by the rule only, so nothing says which comes first.
  for (const auto& line : expected) {
    INFO(line);
    CHECK(std::ranges::count(found, line) == 1);
  }
  CHECK(found.size() == expected.size());
}

TEST_CASE("Rules that name the same list share it", "[config]") {
  const Folder folder;
  folder.write("list", "a.example\n");
  folder.write("more", "b.example\n");
  const auto rule = [](const char* name, const char* files) {
    return std::string("[[rule]]\nname = \"") + name + "\"\nrecipients = [\"" + name + "\"]\nidentity-files = [" +
           files + "]\n";
  };
  const auto config = load_good(folder.write("danegate.toml", rule("r1", "\"list\"") + rule("r2", "\"./list\"") +
                                                                  rule("r3", "\"list\", \"more\"")));
  const auto rules = config->rules->rules();
  CHECK(rules[0].identity_files == rules[1].identity_files);
  CHECK(rules[0].identity_files != rules[2].identity_files);
  CHECK(rules[0].identity_files->size() == 1);
  CHECK(rules[2].identity_files->size() == 2);
}

TEST_CASE("A broken list that rules share is reported once", "[config]") {
  const Folder folder;
  folder.write("list", "a..b\n");
  const auto file = folder.write("danegate.toml", "[[rule]]\nname = \"r1\"\nidentity-files = [\"list\"]\n"
                                                  "[[rule]]\nname = \"r2\"\nidentity-files = [\"list\"]\n");
  CHECK(errors_of(file).size() == 1);
}

TEST_CASE("Control characters of a list do not reach the report", "[config]") {
  const Folder folder;
  folder.write("list", "a\x1b[31mb.example\n");
  const auto found = errors_of(folder.write("danegate.toml", "[[rule]]\nname = \"r\"\nidentity-files = [\"list\"]\n"));
  REQUIRE(found.size() == 1);
  CHECK(found[0].contains("\"a?[31mb.example\""));
}

} // namespace danegate::config
