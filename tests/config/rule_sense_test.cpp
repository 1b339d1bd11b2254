// Warnings: what is legal and most likely not meant.
#include "tests/config/config_files.h"

namespace danegate::config {

namespace {

std::vector<std::string> warnings_of(const std::string& text) {
  return positions(load_text(text)->warnings);
}

struct Pair {
  const char* label;
  std::string first;  ///< conditions of the earlier rule, one a line
  std::string second; ///< of the later
  bool unreachable;
};

const std::vector<Pair> pairs{
    {"no conditions first", "", "senders = [\"a.example\"]", true},
    {"no conditions last", "senders = [\"a.example\"]", "", false},
    {"no conditions twice", "", "", true},
    {"identical", "senders = [\"a.example\"]\nclients = [\"192.0.2.0/24\"]",
     "senders = [\"a.example\"]\nclients = [\"192.0.2.0/24\"]", true},
    {"other senders", "senders = [\"a.example\"]", "senders = [\"b.example\"]", false},
    {"superset of senders", "senders = [\"a.example\", \"b.example\"]", "senders = [\"b.example\"]", true},
    {"subset of senders", "senders = [\"b.example\"]", "senders = [\"a.example\", \"b.example\"]", false},
    {"subtree over domain below", "senders = [\".example\"]", "senders = [\"a.b.example\"]", true},
    {"subtree over domain itself", "senders = [\".a.example\"]", "senders = [\"a.example\"]", true},
    {"subtree over subtree", "senders = [\".example\"]", "senders = [\".b.example\"]", true},
    {"domain over subtree", "senders = [\"b.example\"]", "senders = [\".b.example\"]", false},
    {"domain over address", "senders = [\"b.example\"]", "senders = [\"x@b.example\"]", true},
    {"subtree over address", "senders = [\".example\"]", "senders = [\"x@b.example\"]", true},
    {"address over domain", "senders = [\"x@b.example\"]", "senders = [\"b.example\"]", false},
    {"address over address in capitals", "senders = [\"x@b.example\"]", "senders = [\"X@B.example\"]", true},
    {"null sender over itself", "senders = [\"<>\"]", "senders = [\"<>\"]", true},
    {"subtree over null sender", "senders = [\".example\"]", "senders = [\"<>\"]", false},
    {"local part over itself", "recipients = [\"abuse\"]", "recipients = [\"Abuse\"]", true},
    {"local part over address", "recipients = [\"abuse\"]", "recipients = [\"abuse@a.example\"]", true},
    {"domain over local part", "recipients = [\"a.example\"]", "recipients = [\"abuse\"]", false},
    {"recipients of the earlier only", "recipients = [\"abuse\"]", "", false},
    {"network over part of it", "clients = [\"192.0.0.0/16\"]", "clients = [\"192.0.2.0/24\"]", true},
    {"network over address", "clients = [\"192.0.2.0/24\"]", "clients = [\"192.0.2.7\"]", true},
    {"part over network", "clients = [\"192.0.2.0/24\"]", "clients = [\"192.0.0.0/16\"]", false},
    {"part at the network's base", "clients = [\"192.0.0.0/24\"]", "clients = [\"192.0.0.0/16\"]", false},
    {"IPv6 over part of it", "clients = [\"2001:db8::/32\"]", "clients = [\"2001:db8:1::/48\"]", true},
    {"IPv6 over IPv4", "clients = [\"::/0\"]", "clients = [\"192.0.2.0/24\"]", false},
    {"sasl either over one", "", "sasl = true", true},
    {"sasl one over either", "sasl = true", "", false},
    {"sasl same", "sasl = false", "sasl = false", true},
    {"sasl other", "sasl = false", "sasl = true", false},
    {"one list covers, the other does not", "senders = [\".example\"]\nrecipients = [\"abuse\"]",
     "senders = [\"a.example\"]", false},
    {"earlier one only monitors", "mode = \"monitor\"", "senders = [\"a.example\"]", false},
    {"later one only monitors", "", "senders = [\"a.example\"]\nmode = \"monitor\"", true},
    {"service of the earlier only", "services = [\"smtp\"]", "", false},
    {"same service", "services = [\"smtp\"]", "services = [\"smtp\"]", true},
    {"other service", "services = [\"smtp\"]", "services = [\"submission\"]", false},
    {"one of two services", "services = [\"smtp\"]", "services = [\"smtp\", \"submission\"]", false},
    {"all services, named", "services = [\"smtp\", \"submission\"]", "", true},
};

const std::string listed = "[lookup]\ndomains = [\"listed.example\"]\n"; // keeps the other warning away

} // namespace

TEST_CASE("A rule that can never be reached is warned about", "[config]") {
  for (const auto& row : pairs) {
    INFO(row.label);
    const auto text =
        listed + "[[rule]]\nname = \"first\"\n" + row.first + "\n[[rule]]\nname = \"second\"\n" + row.second + "\n";
    const auto found = warnings_of(text);
    REQUIRE(found.size() == (row.unreachable ? 1 : 0));
    if (row.unreachable) CHECK(found[0].contains("rule \"second\" is never reached: rule \"first\" at "));
  }
}

TEST_CASE("Two rules together can hide a third, one for each service", "[config]") {
  const auto found =
      warnings_of(listed + "[[rule]]\nname = \"a\"\nservices = [\"smtp\"]\n"
                           "[[rule]]\nname = \"b\"\nservices = [\"submission\"]\n[[rule]]\nname = \"c\"\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].starts_with("danegate.toml:10:8: rule \"c\" is never reached: rule \"b\" at "));
}

TEST_CASE("In a service that monitors every rule is reached", "[config]") {
  const std::string service = "[[service]]\nname = \"s\"\nnames = [\"_x.{helo}\"]\nmode = \"monitor\"\n";
  CHECK(warnings_of(listed + service + "[[rule]]\nname = \"a\"\n[[rule]]\nname = \"b\"\n").empty());
}

TEST_CASE("What a client can cause at will must not let it pass", "[config]") {
  const auto rule = [](const char* lines) { return listed + "[[rule]]\nname = \"r\"\n" + lines; };
  const auto found = warnings_of(rule("on-temperror = \"tag\"\n"));
  REQUIRE(found.size() == 1);
  CHECK(found[0] == "danegate.toml:5:16: rule \"r\": on-temperror lets pass what on-fail refuses; a client can cause "
                    "overload and DNS errors at will");
  CHECK(warnings_of(rule("on-temperror = \"tag\"\non-fail = \"tag\"\n")).empty());
  CHECK(warnings_of(rule("on-temperror = \"hold\"\n")).empty());
}

TEST_CASE("A rule under which nothing can be looked up", "[config]") {
  struct Row {
    const char* label;
    const char* text;
    bool warned;
  };

  const std::vector<Row> rows{
      {"no name at all", "[[rule]]\nname = \"r\"\n", true},
      {"a pattern with a field", "[[rule]]\nname = \"r\"\nidentities = [\"*.{sender.domain}\"]\n", true},
      {"the null sender", "[[rule]]\nname = \"r\"\nsenders = [\"<>\"]\n", true},
      {"an identity", "[[rule]]\nname = \"r\"\nidentities = [\"a.example\"]\n", false},
      {"identities below", "[[rule]]\nname = \"r\"\nidentities = [\"*.a.example\"]\n", false},
      {"a sender", "[[rule]]\nname = \"r\"\nsenders = [\"a.example\"]\n", false},
      {"lookup.domains", "[lookup]\ndomains = [\"a.example\"]\n[[rule]]\nname = \"r\"\n", false},
      {"another rule of the service", "[[rule]]\nname = \"q\"\nsenders = [\"a.example\"]\n[[rule]]\nname = \"r\"\n",
       false},
      {"another rule of another service",
       "[[rule]]\nname = \"q\"\nsenders = [\"a.example\"]\nservices = [\"submission\"]\n"
       "[[rule]]\nname = \"r\"\nservices = [\"smtp\"]\n",
       true},
      {"an exemption",
       "[[rule]]\nname = \"r\"\nrecipients = [\"abuse\"]\non-fail = \"tag\"\non-none = \"tag\"\n"
       "on-unpublished = \"tag\"\non-temperror = \"tag\"\n",
       false},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const auto found = warnings_of(row.text);
    REQUIRE(found.size() == (row.warned ? 1 : 0));
    if (row.warned) CHECK(found[0].contains("rule \"r\": nothing can ever be looked up"));
  }
}

TEST_CASE("An open lookup list is warned about", "[config]") {
  const auto config = load_text("[lookup]\ndomains = [\"a.example\", \"*\"]\n");
  REQUIRE(config->warnings.size() == 1);
  CHECK(config->warnings[0].line == 2);
  CHECK(config->warnings[0].column == 25);
  CHECK(config->warnings[0].message.starts_with("lookup.domains: \"*\" lets every client"));
}

TEST_CASE("A list file without an identity is warned about", "[config]") {
  const Folder folder;
  folder.write("list", "# nobody\n");
  const auto config =
      load_good(folder.write("danegate.toml", listed + "[[rule]]\nname = \"r\"\nidentity-files = [\"list\"]\n"
                                                       "grants = [\"list\"]\n"));
  const auto found = positions(config->warnings);
  REQUIRE(found.size() == 2);
  CHECK(found[0] == "danegate.toml:5:18: rule \"r\": identity-files name no identity");
  CHECK(found[1] == "danegate.toml:6:10: rule \"r\": grants name no identity");
  CHECK(config->rules->rules()[0].names_identities()); // and so nobody satisfies the rule
}

} // namespace danegate::config
