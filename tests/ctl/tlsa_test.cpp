// `danegate tlsa` on files.
#include "daemon/ctl/tlsa.h"

#include "tests/config/config_files.h"

#include <nlohmann/json.hpp>

#include <sstream>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

const std::string data = DANEGATE_TEST_DATA;
// tests/data/tlsa/digests.txt, tests/data/keys/keys.txt
const std::string ec_key = "de595cce12dcdfc480164ad715a2199990138edd440f11ce0581c2b1ef24fb25";
const std::string ec_certificate = "795b71f595bb0b4295f26f08acdfcd16726281109ef613efb04d00b500e94c84";

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

TlsaOptions of_key(const std::string& file) {
  TlsaOptions options;
  options.name = "mta1.acme.example";
  options.label = "_smtp-client";
  options.key = data + "/keys/" + file;
  return options;
}

TlsaOptions of_certificate(std::vector<std::string> usages) {
  TlsaOptions options = of_key("");
  options.key.clear();
  options.certificate = data + "/tlsa/ec.pem";
  options.usages = std::move(usages);
  return options;
}

Outcome run(const TlsaOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = tlsa(options, out, err);
  return {status, out.str(), err.str()};
}

} // namespace

TEST_CASE("The line to publish", "[ctl]") {
  const auto line = "_smtp-client.mta1.acme.example. 3600 IN TLSA 3 1 1 " + ec_key + '\n';
  for (const auto* const file : {"ec-public.pem", "ec-pkcs8.pem", "ec-traditional.pem", "ec-public.der"}) {
    INFO(file);
    const auto printed = run(of_key(file));
    CHECK(printed.status == EX_OK);
    CHECK(printed.out == line);
    CHECK(printed.err.empty());
  }
}

TEST_CASE("Several kinds, with what is to be said of them", "[ctl]") {
  const auto printed = run(of_certificate({"3 1 1", "301"}));
  CHECK(printed.status == EX_OK);
  CHECK(printed.out.contains("\n_smtp-client.mta1.acme.example. 3600 IN TLSA 3 0 1 " + ec_certificate + '\n'));
  CHECK(printed.err.starts_with("danegate: warning: 3 0 1: selector 0 is of the certificate"));
}

TEST_CASE("What nobody can judge is refused, unless it is asked for", "[ctl]") {
  auto options = of_certificate({"2 0 1"});
  const auto refused = run(options);
  CHECK(refused.status == EX_USAGE);
  CHECK(refused.out.empty());
  CHECK(refused.err.contains("--force prints it all the same"));
  options.force = true;
  CHECK(run(options).out.contains(" IN TLSA 2 0 1 " + ec_certificate + '\n'));
}

TEST_CASE("Services of the configuration, and of none", "[ctl]") {
  const config::Folder folder;
  auto options = of_key("ec-public.pem");
  options.label.clear();
  options.config_file = folder.write("danegate.toml", "[[service]]\nname = \"a\"\nnames = [\"_a.{helo}\"]\n"
                                                      "[[service]]\nname = \"b\"\nnames = [\"_b.{helo}\"]\n");
  CHECK(run(options).out.starts_with("_a.mta1.acme.example. "));
  options.service = "b";
  CHECK(run(options).out.starts_with("_b.mta1.acme.example. "));
  options.service = "c";
  CHECK(run(options).err == "danegate: there is no service \"c\"; there are: a, b\n");
  options.service.clear();
  options.name = "_c.mta1.acme.example";
  options.config_file = folder.path("none.toml");
  CHECK(run(options).out.starts_with("_c.mta1.acme.example. "));
  options.name = "mta1.acme.example";
  CHECK(run(options).status == EX_CONFIG);
}

TEST_CASE("What is wrong is said", "[ctl]") {
  struct Case {
    const char* label;
    TlsaOptions options;
    int status;
    const char* part;
  };

  auto bad_name = of_key("ec-public.pem");
  bad_name.name = "mta1..example";
  auto of_key_alone = of_key("ec-public.pem");
  of_key_alone.usages = {"3 0 1"};
  for (const auto& each :
       {Case{"encrypted", of_key("encrypted-pkcs8.pem"), EX_DATAERR, "openssl pkey -in FILE -pubout"},
        {"encrypted, older form", of_key("encrypted-traditional.pem"), EX_DATAERR, "is encrypted"},
        {"no file", of_key("none.pem"), EX_DATAERR, "none.pem: No such file or directory"},
        {"a usage that is none", of_certificate({"3 1 7"}), EX_USAGE, "found \"3 1 7\""},
        {"a key and selector 0", of_key_alone, EX_USAGE, "there is only a key"},
        {"a name that is none", bad_name, EX_USAGE, "\"mta1..example\": "}}) {
    INFO(each.label);
    const auto printed = run(each.options);
    CHECK(printed.status == each.status);
    CHECK(printed.out.empty());
    CHECK(printed.err.contains(each.part));
  }
}

TEST_CASE("JSON has lines and warnings", "[ctl]") {
  auto options = of_certificate({"3 0 1"});
  options.json = true;
  options.ttl = 300;
  const auto printed = run(options);
  CHECK(printed.err.empty());
  const auto object = nlohmann::json::parse(printed.out);
  REQUIRE(object["records"].size() == 1);
  const auto& one = object["records"][0];
  CHECK(one["owner"] == "_smtp-client.mta1.acme.example");
  CHECK(one["ttl"] == 300);
  CHECK(one["usage"] == 3);
  CHECK(one["selector"] == 0);
  CHECK(one["matching"] == 1);
  CHECK(one["data"] == ec_certificate);
  CHECK(one["line"] == "_smtp-client.mta1.acme.example. 300 IN TLSA 3 0 1 " + ec_certificate);
  CHECK(object["warnings"].size() == 1);
}

} // namespace danegate::ctl
