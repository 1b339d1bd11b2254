// README.md and man/danegated.8 show the postmaster every result and reason; the table in result.h is what the program
// uses.
#include "daemon/core/result.h"

#include "tests/support/catch.h"

#include <fstream>
#include <string>
#include <vector>

using namespace danegate::core;

namespace {

std::string setting(Branch branch) {
  switch (branch) {
  case Branch::on_pass: return "on-pass";
  case Branch::on_fail: return "on-fail";
  case Branch::on_none: return "on-none";
  case Branch::on_unpublished: return "on-unpublished";
  case Branch::on_temperror: return "on-temperror";
  }
  return "?";
}

std::string readme_row(const ReasonInfo& info) {
  return "| " + std::string(token(info.result)) + " | `" + std::string(info.token) + "` | " +
         std::string(info.meaning) + " | `" + setting(info.branch) + "` | `" + std::string(info.defer_code) + "` |";
}

/// As mdoc has it, on one line.
std::string manual_item(const ReasonInfo& info) {
  return ".It Li " + std::string(token(info.result)) + " " + std::string(info.token) + " " + std::string(info.meaning) +
         " .Pq Cm " + setting(info.branch) + " , Li " + std::string(info.defer_code);
}

std::string without_escapes(std::string line) {
  for (auto at = line.find("\\-"); at != std::string::npos; at = line.find("\\-", at))
    line.erase(at, 1);
  return line;
}

} // namespace

TEST_CASE("README.md: its table of results is the program's") {
  std::vector<std::string> expected;
  for (const auto& info : reason_table)
    expected.push_back(readme_row(info));

  std::ifstream readme(std::string(DANEGATE_TEST_DATA) + "/../../README.md");
  REQUIRE(readme);
  std::vector<std::string> found;
  for (std::string line; std::getline(readme, line);)
    if (line.starts_with("| ") && line.find("| `on-") != std::string::npos) found.push_back(line);
  CHECK(found == expected);
}

TEST_CASE("danegated(8): its list of results is the program's") {
  std::vector<std::string> expected;
  for (const auto& info : reason_table)
    expected.push_back(manual_item(info));

  std::ifstream page(std::string(DANEGATE_TEST_DATA) + "/../../man/danegated.8");
  REQUIRE(page);
  std::vector<std::string> found;
  std::string section;
  for (std::string line; std::getline(page, line);) {
    line = without_escapes(line);
    if (line.starts_with(".Sh ")) section = line.substr(4);
    if (line == ".El") section.clear();
    if (section != "RESULTS") continue;
    if (line.starts_with(".It "))
      found.push_back(line);
    else if (!found.empty())
      found.back() += " " + line;
  }
  CHECK(found == expected);
}
