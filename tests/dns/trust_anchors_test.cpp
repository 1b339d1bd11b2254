#include "daemon/dns/trust_anchors.h"

#include "tests/support/catch.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace danegate;
using Lines = std::vector<std::string>;

namespace {

class TemporaryFolder {
public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "danegate-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }

  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  std::string file(const std::string& name, const std::string& text) const {
    const auto path = (path_ / name).string();
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string path() const { return path_.string(); }

private:
  std::filesystem::path path_;
};

} // namespace

TEST_CASE("parse_anchors: zone-file text") {
  struct Row {
    const char* what;
    std::string text;
    Lines lines;
  };

  const Row rows[] = {
      {"Debian's root.ds", ".\tIN\tDS\t20326 8 2 e06d44b8\n", {". IN DS 20326 8 2 e06d44b8"}},
      {"Debian's root.key: two keys of one owner",
       ". IN DNSKEY 257 3 8 AwEAAaz= ; keytag 20326\n. IN DNSKEY 257 3 8 AwEAAa9= ; keytag 38696\n",
       {". IN DNSKEY 257 3 8 AwEAAaz=", ". IN DNSKEY 257 3 8 AwEAAa9="}},
      {"unbound-anchor's file",
       "; autotrust trust anchor file\n;;id: . 1\n.\t86400\tIN\tDNSKEY\t257 3 8 AwEA= ;{id = 20326} ;;state=2\n",
       {". 86400 IN DNSKEY 257 3 8 AwEA="}},
      {"without a newline at the end", "branch.example. DS 1 13 2 ab", {"branch.example. DS 1 13 2 ab"}},
      {"case, TTL, class in either order",
       "Branch.Example. 3600 in ds 1 13 2 ab\nother.example. IN 3600 DNSKEY 257 3 13 ab\n",
       {"Branch.Example. 3600 in ds 1 13 2 ab", "other.example. IN 3600 DNSKEY 257 3 13 ab"}},
      {"relative to the root", "branch DS 1 13 2 ab\n", {"branch. DS 1 13 2 ab"}},
      {"relative to $ORIGIN",
       "$ORIGIN example.\n$TTL 60\nbranch DS 1 13 2 ab\n@ DS 1 13 2 ab\n",
       {"branch.example. DS 1 13 2 ab", "example. DS 1 13 2 ab"}},
      {"owner of the entry before",
       "branch.example. DS 1 13 2 ab\n\tDS 2 13 2 cd\n",
       {"branch.example. DS 1 13 2 ab", "branch.example. DS 2 13 2 cd"}},
      {"over several lines",
       "branch.example. DNSKEY ( 257 3 13 ; key\n ab\n cd )\nother.example. DS 1 13 2 ab\n",
       {"branch.example. DNSKEY 257 3 13 ab cd", "other.example. DS 1 13 2 ab"}},
      {"Windows line ends", "branch.example. DS 1 13 2 ab\r\n", {"branch.example. DS 1 13 2 ab"}},
      {"other types", "branch.example. NS ns.branch.example.\nds.example. A 192.0.2.1\n", {}},
      {"comments only", "; . IN DS 20326 8 2 e06d\n\n", {}},
      {"nothing", "", {}},
      {"no zone file", "root:x:0:0:root:/root:/bin/bash\n", {}},
      {"octets", std::string("\0\xff(((;\n", 7), {}},
  };
  for (const auto& row : rows) {
    INFO(row.what);
    Lines lines;
    for (const auto& anchor : dns::parse_anchors(row.text))
      lines.push_back(anchor.line);
    CHECK(lines == row.lines);
  }
  CHECK(dns::parse_anchors("Branch.Example. DS 1 13 2 ab").at(0).owner == "branch.example");
  CHECK(dns::parse_anchors(". DS 1 13 2 ab").at(0).owner == ".");
}

TEST_CASE("read_anchors: every file and line must hold an anchor") {
  const TemporaryFolder folder;
  const auto root = folder.file("root.key", ". IN DNSKEY 257 3 8 AwEA=\n");
  const auto empty = folder.file("empty.key", "; nothing\n");
  const auto huge = folder.file("huge.key", std::string(dns::max_anchor_file + 1, '\n'));
  core::ResolverSettings settings;
  settings.trust_anchor_files = {root};
  settings.trust_anchors = {"branch.example. DS 1 13 2 ab", ". DS 1 13 2 ab"};
  settings.auto_trust_anchor_file = folder.file("auto.key", "island.example. 60 IN DNSKEY 257 3 8 AwEA= ;;state=2\n");
  const auto sources = dns::read_anchors(settings);
  REQUIRE(sources);
  REQUIRE(sources->size() == 4);
  CHECK(dns::owners_of(*sources) == Lines{".", "branch.example", "island.example"});
  for (const auto& source : *sources)
    CHECK(source.automatic == (source.name == settings.auto_trust_anchor_file));

  struct Row {
    std::string file;
    std::string error;
  };

  const Row rows[] = {
      {empty, empty + ": no DS or DNSKEY record in it"},
      {huge, huge + ": too large for a trust anchor file"},
      {folder.path(), folder.path() + ": not a regular file"},
      {folder.path() + "/none", folder.path() + "/none: No such file or directory"},
  };
  for (const auto& row : rows) {
    INFO(row.file);
    core::ResolverSettings with_file;
    with_file.trust_anchor_files = {root, row.file};
    CHECK(dns::read_anchors(with_file).error() == row.error);
    core::ResolverSettings with_auto;
    with_auto.auto_trust_anchor_file = row.file;
    CHECK(dns::read_anchors(with_auto).error() == row.error);
  }
  core::ResolverSettings bad_line;
  bad_line.trust_anchors = {"branch.example. A 192.0.2.1"};
  CHECK(dns::read_anchors(bad_line).error() == "not a DS or DNSKEY record: branch.example. A 192.0.2.1");
  CHECK(dns::read_anchors(core::ResolverSettings()).error() == "no trust anchor is configured");
}
