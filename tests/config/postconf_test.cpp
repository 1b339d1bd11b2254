// Asking Postfix's tool: programs that behave badly do not harm the one that asks.
#include "daemon/config/postconf.h"
#include "tests/config/config_files.h"

#include <sys/stat.h>

namespace danegate::config {

namespace {

std::string program(const Folder& folder, const std::string& script) {
  const auto file = folder.write("postconf", "#!/bin/sh\n" + script);
  REQUIRE(::chmod(file.c_str(), 0700) == 0);
  return file;
}

} // namespace

TEST_CASE("postconf's lines become values", "[config]") {
  const Folder folder;
  const auto tool = program(folder, "echo \"$1 = $2 = x\"\nprintf 'empty =\\nnot a line\\nlast = a b'\n");
  const auto values = ask_postconf({tool, {"-x", "$(id)"}});
  REQUIRE(values);
  CHECK(*values == std::map<std::string, std::string>{{"-x", "$(id) = x"}, {"empty", ""}, {"last", "a b"}});
}

TEST_CASE("A postconf that fails gives nothing", "[config]") {
  const Folder folder;

  struct Row {
    const char* label;
    const char* script;
  };

  const std::vector<Row> rows{
      {"exit status", "echo 'a = b'\nexit 1\n"},
      {"killed", "echo 'a = b'\nkill -9 $$\n"},
      {"too much", "while :; do echo 'a = b'; done\n"},
      {"hangs", "echo 'a = b'\nexec sleep 60\n"},
      {"hangs with its output closed", "echo 'a = b'\nexec sleep 60 >/dev/null\n"},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    PostconfQuery query{program(folder, row.script), {}};
    if (std::string_view(row.label).starts_with("hangs")) query.timeout = std::chrono::milliseconds(50);
    CHECK_FALSE(ask_postconf(query));
  }
  CHECK_FALSE(ask_postconf({folder.path("none"), {}}));
}

TEST_CASE("The questions that are asked", "[config]") {
  CHECK(main_cf_query("/p", {"myorigin", "myhostname"}).arguments ==
        std::vector<std::string>{"-c", "/etc/postfix", "-x", "myorigin", "myhostname"});
  CHECK(main_cf_query("/p", {"myorigin"}, "/etc/other").arguments ==
        std::vector<std::string>{"-c", "/etc/other", "-x", "myorigin"});
}

TEST_CASE("What the host and Postfix say of themselves", "[config]") {
  const Folder folder;
  const auto mailname = folder.write("mailname", "example.org\n");

  struct Row {
    const char* label;
    const char* host;
    std::map<std::string, std::string> postfix;
    const char* host_name;
    const char* origin;
  };

  const std::vector<Row> rows{
      {"no Postfix", "mx", {}, "mx", ""},
      {"bare name, completed by Postfix", "mx", {{"myhostname", "mx.example.net"}}, "mx.example.net", ""},
      {"full name stands",
       "a.example",
       {{"myhostname", "b.example"}, {"myorigin", "example.net"}},
       "a.example",
       "example.net"},
      {"origin in a file", "a.example", {{"myorigin", mailname}}, "a.example", "example.org"},
      {"origin in a file that is not there", "a.example", {{"myorigin", folder.path("none")}}, "a.example", ""},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto found = make_environment(row.host, row.postfix, {});
    CHECK(found.host_name == row.host_name);
    CHECK(found.mail_origin == row.origin);
  }
}

} // namespace danegate::config
