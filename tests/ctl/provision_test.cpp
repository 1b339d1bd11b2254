// `danegate provision`: what stands on the disk after each step. What DNS says before a switch is an integration
// test's.
#include "daemon/ctl/provision.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/key_folder.h"
#include "tests/config/config_files.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <sstream>

#include <sys/stat.h>
#include <sysexits.h>

namespace danegate::ctl {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

ProvisionOptions options_in(const config::Folder& folder) {
  ProvisionOptions options;
  options.config_file = default_config;
  options.name = "mta1.acme.example";
  options.folder = folder.path("keys");
  options.label = "_smtp-client";
  return options;
}

Outcome run(const ProvisionOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = provision(options, Style(), out, err);
  return {status, out.str(), err.str()};
}

Json json(ProvisionOptions options) {
  options.json = true;
  const auto outcome = run(options);
  INFO(outcome.err);
  REQUIRE(outcome.status == EX_OK);
  CHECK(outcome.err.empty());
  return Json::parse(outcome.out);
}

std::vector<std::string> roles(const Json& object) {
  std::vector<std::string> found;
  for (const auto& key : object["keys"])
    found.push_back(key["role"].get<std::string>() + (key["made"].get<bool>() ? "!" : ""));
  return found;
}

std::string record(const Json& object, const std::string& role) {
  for (const auto& key : object["keys"])
    if (key["role"] == role) return key["data"];
  return {};
}

unsigned mode_of(const std::string& path) {
  struct stat status{};

  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777U;
}

std::vector<std::string> files(const config::Folder& folder) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder.path("keys/mta1.acme.example")))
    found.push_back(entry.path().filename().string());
  std::ranges::sort(found);
  return found;
}

using Words = std::vector<std::string>;

} // namespace

TEST_CASE("The first key", "[ctl]") {
  const config::Folder folder;
  const auto made = json(options_in(folder));
  const auto file = folder.path("keys/mta1.acme.example/key.pem");
  CHECK(roles(made) == Words{"current!"});
  CHECK(files(folder) == Words{"key.pem"});
  CHECK(mode_of(file) == 0600);
  CHECK(mode_of(folder.path("keys")) == 0700);
  CHECK(mode_of(folder.path("keys/mta1.acme.example")) == 0700);
  CHECK(made["owner"] == "_smtp-client.mta1.acme.example");
  CHECK(made["keys"][0]["line"] ==
        "_smtp-client.mta1.acme.example. 3600 IN TLSA 3 1 1 " + made["keys"][0]["data"].get<std::string>());
  CHECK(made["main_cf"] == Json::array({"smtp_tls_chain_files = " + file, "smtp_tls_security_level = may",
                                        "smtp_helo_name = mta1.acme.example"}));
}

TEST_CASE("Run again it says the same, and makes nothing", "[ctl]") {
  const config::Folder folder;
  const auto first = json(options_in(folder));
  const auto second = json(options_in(folder));
  CHECK(roles(second) == Words{"current"});
  CHECK(record(second, "current") == record(first, "current"));
}

TEST_CASE("The next key, and over to it", "[ctl]") {
  const config::Folder folder;
  auto options = options_in(folder);
  const auto first = record(json(options), "current");
  options.next = true;
  const auto both = json(options);
  CHECK(roles(both) == Words{"current", "next!"});
  const auto second = record(both, "next");
  CHECK(record(both, "current") == first);
  CHECK(second != first);
  CHECK(roles(json(options)) == Words{"current", "next"});
  options.next = false;
  CHECK(roles(json(options)) == Words{"current", "next"});

  options.switch_over = options.force = true;
  const auto switched = json(options);
  CHECK(switched["switched"] == true);
  CHECK(roles(switched) == Words{"current", "old"});
  CHECK(record(switched, "current") == second);
  CHECK(record(switched, "old") == first);
  CHECK(files(folder) == Words{"key.pem", "old-" + first.substr(0, 8) + ".pem"});
  CHECK(mode_of(folder.path("keys/mta1.acme.example/key.pem")) == 0600);

  const auto again = run(options);
  CHECK(again.status == EX_USAGE);
  CHECK(again.err.contains("there is no next key of mta1.acme.example to switch to; --next makes one"));
  CHECK(record(json([&] {
                 options.switch_over = options.force = false;
                 return options;
               }()),
               "current") == second);
}

TEST_CASE("A switch that was interrupted is finished by the next", "[ctl]") {
  const config::Folder folder;
  auto options = options_in(folder);
  const auto first = record(json(options), "current");
  options.next = true;
  json(options);
  fs::create_hard_link(folder.path("keys/mta1.acme.example/key.pem"),
                       folder.path("keys/mta1.acme.example/old-" + first.substr(0, 8) + ".pem"));
  options.next = false;
  options.switch_over = options.force = true;
  CHECK(record(json(options), "old") == first);
}

TEST_CASE("What stands in the way is left alone", "[ctl]") {
  const config::Folder folder;
  auto options = options_in(folder);
  const auto first = record(json(options), "current");
  const auto before = folder.path("keys/mta1.acme.example/");

  SECTION("something else under the old name") {
    options.next = true;
    const auto next = record(json(options), "next");
    fs::copy_file(before + "next.pem", before + "old-" + first.substr(0, 8) + ".pem");
    options.next = false;
    options.switch_over = options.force = true;
    CHECK(run(options).status == EX_CANTCREAT);
    CHECK(run(options).err.contains("the present key cannot be kept there"));
    options.switch_over = options.force = false;
    CHECK(record(json(options), "current") == first);
    CHECK(record(json(options), "next") == next);
  }
  SECTION("a key file that is none") {
    folder.write("keys/mta1.acme.example/next.pem", "mine");
    options.next = true;
    const auto refused = run(options);
    CHECK(refused.status == EX_DATAERR);
    CHECK(refused.err.contains("next.pem: no CERTIFICATE block in PEM form"));
    CHECK(fs::file_size(before + "next.pem") == 4);
  }
  SECTION("another key before the certificate") {
    fs::copy_file(std::string(DANEGATE_TEST_DATA) + "/keys/certificate-before-key.pem", before + "next.pem");
    options.next = true;
    CHECK(run(options).err.contains("the certificate is not that of the key before it"));
  }
  SECTION("a dangling link") {
    fs::create_symlink(folder.path("elsewhere"), before + "next.pem");
    options.next = true;
    CHECK(run(options).status == EX_DATAERR);
    CHECK_FALSE(fs::exists(folder.path("elsewhere")));
  }
}

TEST_CASE("What an interrupted run has left is no hindrance", "[ctl]") {
  const config::Folder folder;
  folder.write("keys/mta1.acme.example/key.pem.tmp", "half a key");
  CHECK(roles(json(options_in(folder))) == Words{"current!"});
  CHECK(files(folder) == Words{"key.pem"});
}

TEST_CASE("Others who could read or replace a key are warned of", "[ctl]") {
  const config::Folder folder;
  const auto options = options_in(folder);
  json(options);
  fs::permissions(folder.path("keys"), fs::perms(0777));
  fs::permissions(folder.path("keys/mta1.acme.example/key.pem"), fs::perms(0640));
  const auto outcome = run(options);
  CHECK(outcome.status == EX_OK);
  CHECK(outcome.err.contains("keys: others can replace the keys in there; chmod go-w\n"));
  CHECK(outcome.err.contains("key.pem: others can read this key; chmod 600, or make a new one\n"));
}

TEST_CASE("What is wrong is said before anything is made", "[ctl]") {
  const config::Folder folder;
  const auto with = [&](auto change) {
    auto options = options_in(folder);
    change(options);
    const auto outcome = run(options);
    CHECK(outcome.out.empty());
    CHECK_FALSE(fs::exists(folder.path("keys")));
    return std::to_string(outcome.status) + ' ' + outcome.err;
  };
  CHECK(
      with([](auto& o) { o.name = "mta1"; }).contains("64 danegate: \"mta1\": a single label; expected the host name"));
  CHECK(with([](auto& o) { o.name = "_smtp-client.a.example"; }).contains("an owner name"));
  CHECK(with([](auto& o) { o.name = "../etc.example"; }).starts_with("64 "));
  CHECK(with([](auto& o) { o.name = "a@acme.example"; }).starts_with("64 "));
  CHECK(with([](auto& o) { o.next = true; }).contains("mta1.acme.example has no key yet"));
  CHECK(with([](auto& o) { o.switch_over = true; }).contains("there is no next key"));
  CHECK(with([](auto& o) { o.folder += " of mine"; }).contains("--dir: "));
  CHECK(with([](auto& o) { o.folder = "/proc/nowhere"; }).contains("cannot be made"));
}

TEST_CASE("Steps name the options that these keys need", "[ctl]") {
  const config::Folder folder;
  auto options = options_in(folder);
  options.ttl = 300;
  options.raw_key = true;
  run(options);
  options.next = true;
  const auto text = run(options).out;
  CHECK(text.contains("Wait 10 minutes: two TTLs"));
  CHECK(text.contains("danegate provision mta1.acme.example --dir " + folder.path("keys") +
                      " --label _smtp-client --ttl 300 --raw-key --switch && postfix stop && postfix start\n"));
}

TEST_CASE("What people see", "[ctl]") {
  const config::Folder folder;
  auto options = options_in(folder);
  const auto text = run(options).out;
  const auto object = json(options);
  CHECK(text.contains('\n' + object["keys"][0]["line"].get<std::string>() + '\n'));
  for (const auto& line : object["main_cf"])
    CHECK(text.contains('\n' + line.get<std::string>() + '\n'));
  CHECK(text.contains("identities = [\"mta1.acme.example\"]"));
  CHECK_FALSE(text.contains("smtpd_tls_enable_rpk"));
  CHECK_FALSE(text.contains('\x1b'));
  options.raw_key = true;
  CHECK(run(options).out.contains("smtpd_tls_enable_rpk = yes"));
  CHECK(text.contains("(RFC 7671 section 5.1)"));
}

} // namespace danegate::ctl
