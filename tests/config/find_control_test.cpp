// Where the tool finds the daemon, whatever else is wrong with the configuration.
#include "daemon/config/find_control.h"

#include "tests/config/config_files.h"

namespace danegate::config {

TEST_CASE("The control socket is found in a configuration that is wrong elsewhere", "[config]") {
  struct Row {
    const char* label;
    std::string text;
    std::string listen; ///< "-": none
    bool is_set;
    std::size_t errors;
  };

  const std::string by_default = "unix:/run/danegate/control";
  const Row rows[]{
      {"nothing said", "", by_default, false, 0},
      {"said", "[server]\ncontrol = \"unix:/c\"\n", "unix:/c", true, 0},
      {"none", "[server]\ncontrol = \"\"\n", "-", true, 0},
      {"other mistakes", "[server]\ncontrol = \"unix:/c\"\nusre = \"x\"\n[dns]\ntimeout = 4\n", "unix:/c", true, 2},
      {"rules are not judged",
       "[server]\ncontrol = \"unix:/c\"\n[[rule]]\nname = \"r\"\nidentity-files = [\"/none\"]\n", "unix:/c", true, 0},
      {"a mistake of its own", "[server]\ncontrol = \"inet:127.0.0.1:1\"\n", "-", true, 1},
      {"wrong type", "[server]\ncontrol = 5\n", by_default, false, 1},
      {"no TOML", "[server\n", by_default, false, 1},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const Folder folder;
    const auto found = find_control(folder.write("danegate.toml", row.text));
    CHECK((found.listen ? found.listen->text() : "-") == row.listen);
    CHECK(found.is_set == row.is_set);
    CHECK(found.errors.size() == row.errors);
  }
}

TEST_CASE("A configuration that is not there is an error of its own", "[config]") {
  const Folder folder;
  const auto found = find_control(folder.path("nowhere.toml"));
  REQUIRE(found.errors.size() == 1);
  CHECK(found.errors[0].text().contains("nowhere.toml"));
  CHECK_FALSE(found.is_set);
}

TEST_CASE("conf.d may say where the control socket is", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", "");
  folder.write("conf.d/10.toml", "[server]\ncontrol = \"unix:/d\"\n");
  CHECK(find_control(file).listen->text() == "unix:/d");
}

} // namespace danegate::config
