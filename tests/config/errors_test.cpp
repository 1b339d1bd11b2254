// Every kind of mistake with the position and the words that it is reported with.
#include "tests/config/config_files.h"

namespace danegate::config {

namespace {

struct Bad {
  const char* label;
  std::string text;
  const char* at;      ///< line:column
  const char* message; ///< part of it
};

/// A rule that is right, then lines of the row's.
std::string rule(const std::string& lines) {
  return "[[rule]]\nname = \"r\"\n" + lines + "\n";
}

std::string service(const std::string& lines) {
  return "[[service]]\nname = \"s\"\nnames = [\"_x.{helo}\"]\n" + lines + "\n";
}

const std::vector<Bad> types_and_bounds{
    {"not TOML", "[dns\n", "1:5", "not TOML: "},
    {"no value", "[dns]\ntimeout = \n", "2:11", "not TOML: "},
    {"key twice", "[dns]\ntimeout = \"1s\"\ntimeout = \"2s\"\n", "3:11", "cannot redefine"},
    {"boolean", rule("sasl = \"yes\""), "3:8", "rule.sasl: expected true or false, found a string"},
    {"text", "[server]\nuser = 5\n", "2:8", "server.user: expected a string, found an integer"},
    {"text empty", "[server]\norigin = \"\"\n", "2:10", "server.origin: must not be empty"},
    {"text too long", "[server]\nuser = \"" + std::string(33, 'u') + "\"\n", "2:8",
     "is 33 octets long, expected at most 32"},
    {"control character", "[server]\nuser = \"a\\u001bb\"\n", "2:8", "contains a control character"},
    {"path", "[dns]\nauto-trust-anchor-file = false\n", "2:26", "expected a string, found true or false"},
    {"choice", "[policy]\nheader = \"alway\"\n", "2:10",
     "policy.header: expected \"never\" or \"always\", found \"alway\" (did you mean \"always\"?)"},
    {"choice of another type", "[log]\nlevel = 3\n", "2:9",
     "log.level: expected \"debug\", \"info\", \"warning\" or \"error\", found an integer"},
    {"duration without unit", "[dns]\ntimeout = \"4\"\n", "2:11", "dns.timeout: expected a duration such as \"8s\""},
    {"duration as number", "[dns]\ntimeout = 4\n", "2:11", "(units ms, s, m, h, d), found an integer"},
    {"duration as float", "[dns]\ntimeout = 4.5\n", "2:11", "found a floating-point number"},
    {"duration as time", "[dns]\ntimeout = 07:32:00\n", "2:11", "found a date or time"},
    {"duration negative", "[dns]\ntimeout = \"-4s\"\n", "2:11", "expected a duration"},
    {"duration too long", "[dns]\ntimeout = \"61s\"\n", "2:11",
     "dns.timeout: 61s is out of bounds, expected 100ms to 1m"},
    {"duration too short", "[dns]\ntimeout = \"99ms\"\n", "2:11", "99ms is out of bounds, expected 100ms to 1m"},
    {"whole seconds", "[dns]\nmin-ttl = \"1500ms\"\n", "2:11", "dns.min-ttl: expected whole seconds, found \"1500ms\""},
    {"count", "[limits]\nlookups = \"512\"\n", "2:11", "limits.lookups: expected an integer, found a string"},
    {"count too small", "[limits]\nlookups = 0\n", "2:11", "limits.lookups: 0 is out of bounds, expected 1 to 65536"},
    {"count negative", "[limits]\nlookups = -1\n", "2:11", "-1 is out of bounds"},
    {"size", "[limits]\nrequest-bytes = \"64kb\"\n", "2:17",
     "limits.request-bytes: expected octets such as 65536 or \"64KiB\", found \"64kb\""},
    {"size too large", "[limits]\nrequest-bytes = \"17MiB\"\n", "2:17",
     "17MiB is out of bounds, expected 4KiB to 16MiB"},
    {"octal in decimal", "[policy]\nsocket-mode = 660\n", "2:15",
     "policy.socket-mode: expected an octal number such as 0o660, found 660 in decimal"},
    {"octal as text", "[policy]\nsocket-mode = \"0660\"\n", "2:15",
     "expected an octal number such as 0o660, found a string"},
    {"octal too large", "[policy]\nsocket-mode = 0o1777\n", "2:15", "out of bounds, expected 0o0 to 0o777"},
    {"list", "[policy]\nlisten = \"unix:/a\"\n", "2:10",
     "policy.listen: expected a list of strings, in [ ], found a string"},
    {"list entry", "[policy]\nlisten = [\"unix:/a\",\n  5]\n", "3:3",
     "policy.listen: expected a string, found an integer"},
    {"list empty", "[policy]\nlisten = []\n", "2:10", "policy.listen: empty, and there is no milter.listen"},
    {"list entry empty", "[dns]\nupstream = [\"\"]\n", "2:13", "dns.upstream: contains an empty entry"},
    {"ports", service("ports = \"25\""), "4:9", "service.ports: expected a list of port numbers, found a string"},
    {"port entry", service("ports = [25, \"26\"]"), "4:14", "service.ports: expected a port number, found a string"},
    {"port zero", service("ports = [0]"), "4:10", "service.ports: 0 is no port, expected 1 to 65535"},
    {"tables", "[dns]\nstub-zones = [\"branch.example\"]\n", "2:15",
     "dns.stub-zones: expected a list of tables such as "},
    {"table key", "[dns]\nstub-zones = [{ zone = \"a\", servers = [\"192.0.2.1\"], sone = 1 }]\n", "2:54",
     "unknown setting \"sone\" (did you mean \"zone\"?)"},
    {"table key missing", "[dns]\nstub-zones = [{ zone = \"a.example\" }]\n", "2:15",
     "dns.stub-zones.servers is missing"},
};

const std::vector<Bad> names_and_places{
    {"unknown table", "[polcy]\n", "1:2", "unknown table \"polcy\" (did you mean \"policy\"?)"},
    {"unknown table, nothing near", "[quux]\nx = 1\n", "1:2", "unknown table \"quux\""},
    {"setting outside its table", "timeout = \"4s\"\n", "1:1", "unknown setting \"timeout\" (it belongs in [dns])"},
    {"unknown key", "[dns]\ntimeuot = \"4s\"\n", "2:1", "unknown setting \"timeuot\" (did you mean \"timeout\"?)"},
    {"key of another table", "[dns]\ndeadline = \"4s\"\n", "2:1",
     "unknown setting \"deadline\" (it belongs in [limits])"},
    {"key of a rule in a service", service("identities = []"), "4:1", "(it belongs in [[rule]])"},
    {"unknown rule key", rule("identites = []"), "3:1", "unknown setting \"identites\" (did you mean \"identities\"?)"},
    {"table as value", "dns = 5\n", "1:1", "expected a table [dns], found an integer"},
    {"[rule] for [[rule]]", "[rule]\nname = \"r\"\n", "1:2", "expected [[rule]], found a table"},
    {"[[dns]] for [dns]", "[[dns]]\ntimeout = \"1s\"\n", "1:3", "expected a table [dns], found a list"},
};

const std::vector<Bad> metrics_settings{
    {"metrics listen", "[metrics]\nlisten = \"9144\"\n", "2:10",
     "metrics.listen: expected \"unix:/path\", \"inet:127.0.0.1:port\" or \"inet:[::1]:port\""},
    {"metrics port", "[metrics]\nlisten = \"inet:127.0.0.1:0\"\n", "2:10", "expected a port from 1 to 65535"},
    {"metrics and policy",
     "[policy]\nlisten = [\"inet:127.0.0.1:9144\"]\n[metrics]\nlisten = \"inet:127.0.0.1:9144\"\n", "4:10",
     "metrics.listen: policy.listen names \"inet:127.0.0.1:9144\" already"},
    {"metrics and milter", "[milter]\nlisten = \"unix:/m\"\n[metrics]\nlisten = \"unix:/m\"\n", "4:10",
     "metrics.listen: milter.listen names \"unix:/m\" already"},
    {"metrics has one listener", "[metrics]\nlisten = [\"inet:127.0.0.1:9144\"]\n", "2:10", "found a list"},
};

const std::vector<Bad> control_settings{
    {"control inet", "[server]\ncontrol = \"inet:127.0.0.1:1\"\n", "2:11",
     "server.control: expected \"unix:/path\": whoever can connect rules the daemon"},
    {"control without a form", "[server]\ncontrol = \"/run/x\"\n", "2:11", "server.control: expected \"unix:/path\""},
    {"control relative", "[server]\ncontrol = \"unix:run/x\"\n", "2:11", "expected an absolute path after \"unix:\""},
    {"control on the policy socket", "[server]\ncontrol = \"unix:/p\"\n[policy]\nlisten = [\"unix:/p\"]\n", "2:11",
     "server.control: mail servers are to connect there, found \"unix:/p\""},
    {"control on the milter's", "[server]\ncontrol = \"unix:/m\"\n[milter]\nlisten = \"unix:/m\"\n", "2:11",
     "server.control: mail servers are to connect there"},
};

const std::string with_milter = "[milter]\nlisten = \"unix:/m\"\n";

const std::vector<Bad> milter_settings{
    {"milter listen", "[milter]\nlisten = \"tcp:1.2.3.4:5\"\n", "2:10", "milter.listen: expected \"unix:/path\""},
    {"milter on the policy socket", "[policy]\nlisten = [\"unix:/p\"]\n[milter]\nlisten = \"unix:/p\"\n", "4:10",
     "milter.listen: policy.listen names \"unix:/p\" already"},
    {"milter remove", "[milter]\nremove = \"every\"\n", "2:10", "milter.remove: expected \"own\" or \"all\""},
    {"from without a milter", rule("from = [\"acme.example\"]"), "3:8", "rule.from: needs milter.listen"},
    {"from of nobody", with_milter + rule("from = [\"<>\"]"), "5:9", "rule.from: \"<>\" is no author"},
    {"from with a bare local part", with_milter + rule("from = [\"ceo\", \"a b\"]"), "5:16",
     "rule.from: expected a domain, \".domain\", an address or \"<>\", found \"a b\""},
    {"from that permits",
     with_milter + rule("from = [\"acme.example\"]\nidentities = [\"a.example\"]\non-pass = \"permit\""), "7:11",
     "rule.on-pass: \"permit\" cannot stand beside from"},
};

const std::vector<Bad> settings_values{
    {"listen kind", "[policy]\nlisten = [\"tcp:1.2.3.4:5\"]\n", "2:11", "policy.listen: expected \"unix:/path\""},
    {"listen relative path", "[policy]\nlisten = [\"unix:policy\"]\n", "2:11", "expected an absolute path"},
    {"listen long path", "[policy]\nlisten = [\"unix:/" + std::string(107, 'p') + "\"]\n", "2:11",
     "the path is 108 octets long, a unix socket's at most 107"},
    {"listen host name", "[policy]\nlisten = [\"inet:localhost:10044\"]\n", "2:11", "with a numeric address"},
    {"listen without brackets", "[policy]\nlisten = [\"inet:::1:10044\"]\n", "2:11", "with a numeric address"},
    {"listen v4 in brackets", "[policy]\nlisten = [\"inet:[127.0.0.1]:10044\"]\n", "2:11", "with a numeric address"},
    {"listen without port", "[policy]\nlisten = [\"inet:127.0.0.1\"]\n", "2:11", "with a numeric address"},
    {"listen port", "[policy]\nlisten = [\"inet:127.0.0.1:65536\"]\n", "2:11",
     "expected a port from 1 to 65535, found \"65536\""},
    {"listen twice", "[policy]\nlisten = [\"unix:/a\", \"unix:/a\"]\n", "2:22", "\"unix:/a\" stands there twice"},
    {"authserv-id", "[server]\nauthserv-id = \"mx example\"\n", "2:15", "expected a host name, found \"mx example\""},
    {"origin", "[server]\norigin = \"a..example\"\n", "2:10",
     "server.origin: expected a domain name, found \"a..example\": empty label"},
    {"lookup domain", "[lookup]\ndomains = [\".acme.example\"]\n", "2:12", "lookup.domains: expected a domain name"},
    {"lookup pattern", "[lookup]\ndomains = [\"*.acme.example\"]\n", "2:12", "lookup.domains: expected a domain name"},
    {"no anchor", "[dns]\ntrust-anchor-files = []\n", "2:22",
     "are both empty: without a trust anchor no answer is secure"},
    {"anchor line", "[dns]\ntrust-anchors = [\"branch.example. DS 1 2\"]\n", "2:18",
     "dns.trust-anchors: expected a DS or DNSKEY"},
    {"upstream", "[dns]\nupstream = [\"resolver.example\"]\n", "2:13", "dns.upstream: expected \"address\""},
    {"upstream port", "[dns]\nupstream = [\"192.0.2.1@0\"]\n", "2:13", "dns.upstream: expected \"address\""},
    {"upstream name without tls", "[dns]\nupstream = [\"192.0.2.1#dns.example\"]\n", "2:13",
     "dns.upstream: expected \"address\""},
    {"upstream tls name", "[dns]\nupstream = [\"tls:192.0.2.1#a..b\"]\n", "2:13", "dns.upstream: expected \"address\""},
    {"upstream mixed", "[dns]\nupstream = [\"192.0.2.1\", \"tls:192.0.2.2\"]\n", "2:26",
     "servers with and without \"tls:\" cannot be mixed"},
    {"upstream system and others", "[dns]\nupstream = [\"system\", \"192.0.2.2\"]\n", "2:12",
     "\"system\" cannot stand with others"},
    {"stub zone", "[dns]\nstub-zones = [{ zone = \"a b\", servers = [\"192.0.2.1\"] }]\n", "2:24",
     "expected a zone's name"},
    {"stub server", "[dns]\nstub-zones = [{ zone = \"a\", servers = [\"tls:192.0.2.1\"] }]\n", "2:40",
     "dns.stub-zones: expected a numeric address, or address@port, found \"tls:192.0.2.1\""},
    {"stub twice",
     "[dns]\nstub-zones = [{ zone = \"a\", servers = [\"192.0.2.1\"] }, { zone = \"A.\", servers = [\"192.0.2.1\"] "
     "}]\n",
     "2:65", "\"A.\" stands there twice"},
    {"timeout not below deadline", "[dns]\ntimeout = \"9s\"\n", "2:11",
     "dns.timeout (9s) must be less than limits.deadline (8s, the default)"},
    {"deadline not above timeout", "[limits]\ndeadline = \"4s\"\n", "2:12",
     "dns.timeout (4s, the default) must be less than limits.deadline (4s)"},
    {"min-ttl above max-ttl", "[dns]\nmin-ttl = \"2h\"\nnegative-max-ttl = \"3h\"\n", "2:11",
     "dns.min-ttl (2h) must not exceed dns.max-ttl (1h, the default)"},
    {"min-ttl above negative-max-ttl", "[dns]\nmin-ttl = \"10m\"\n", "2:11",
     "dns.min-ttl (10m) must not exceed dns.negative-max-ttl (5m, the default)"},
};

const std::vector<Bad> services{
    {"name missing", "[[service]]\nnames = [\"_x.{helo}\"]\n", "1:1", "service.name is missing"},
    {"names missing", "[[service]]\nname = \"s\"\n", "1:1", "service.names is missing"},
    {"name no token", "[[service]]\nname = \"a b\"\nnames = [\"_x.{helo}\"]\n", "2:8",
     "service.name: expected letters, digits"},
    {"name twice", service("") + service(""), "6:8", "service \"s\" stands at "},
    {"port in two services",
     service("ports = [25]") + "[[service]]\nname = \"t\"\nnames = [\"_x.{helo}\"]\nports = [26, 25]\n", "8:14",
     "service.ports: 25 belongs to service \"s\" at "},
    {"port twice", service("ports = [25, 25]"), "4:14", "service.ports: 25 stands there twice"},
    {"template field", "[[service]]\nname = \"s\"\nnames = [\"_x.{helo}\", \"_x.{ehlo}\"]\n", "3:23",
     "expected a template such as \"_smtp-client.{helo}\", found \"_x.{ehlo}\": unknown field {ehlo}"},
    {"template without field", "[[service]]\nname = \"s\"\nnames = [\"_x.example\"]\n", "3:10", "has no field"},
    {"template half label", "[[service]]\nname = \"s\"\nnames = [\"_x.{helo}-a\"]\n", "3:10",
     "a field fills whole labels"},
    {"too many templates",
     "[limits]\nnames-per-request = 1\n[[service]]\nname = \"s\"\nnames = [\"_x.{helo}\", \"_x.{client}\"]\n", "5:23",
     "service.names: 2 templates are more than limits.names-per-request (1)"},
    {"more templates than lookups",
     "[limits]\nlookups-per-client = 1\n[[service]]\nname = \"s\"\nnames = [\"_x.{helo}\", \"_x.{client}\"]\n", "5:23",
     "2 templates are more than limits.lookups-per-client (1)"},
    {"default permit", service("default = \"permit\""), "4:11", "\"permit\" may stand in a rule's on-pass only"},
    {"mode", service("mode = \"off\""), "4:8", "service.mode: expected \"enforce\" or \"monitor\", found \"off\""},
};

const std::vector<Bad> rules{
    {"name missing", "[[rule]]\nsenders = []\n", "1:1", "rule.name is missing"},
    {"name no token", "[[rule]]\nname = \"-a\"\n", "2:8", "rule.name: expected letters, digits"},
    {"name twice", rule("") + rule(""), "5:8", "rule \"r\" stands at "},
    {"unknown service", rule("services = [\"smpt\"]"), "3:13",
     "rule.services: there is no service \"smpt\" (did you mean \"smtp\"?)"},
    {"sender", rule("senders = [\"acme.example\", \"a b\"]"), "3:28",
     "rule.senders: expected a domain, \".domain\", an address"},
    {"sender bare", rule("senders = [\"a@\"]"), "3:12", "rule.senders: expected a domain"},
    {"recipient", rule("recipients = [\"x..y\"]"), "3:15",
     "an address, a local part or \"<>\", found \"x..y\": empty label"},
    {"network", rule("clients = [\"localhost\"]"), "3:12", "rule.clients: expected a network such as \"192.0.2.0/24\""},
    {"network with host bits", rule("clients = [\"192.0.2.1/24\"]"), "3:12",
     "rule.clients: \"192.0.2.1/24\" has bits set beyond its prefix length"},
    {"network with host bits, IPv6", rule("clients = [\"2001:db8::1/32\"]"), "3:12",
     "has bits set beyond its prefix length"},
    {"prefix too long", rule("clients = [\"192.0.2.0/33\"]"), "3:12", "rule.clients: expected a network such as"},
    {"identity", rule("identities = [\"a..b\"]"), "3:15",
     "rule.identities: expected a domain, \"*.domain\", an address"},
    {"identity star", rule("identities = [\"*\"]"), "3:15", "rule.identities: expected"},
    {"identity field", rule("identities = [\"{helo}\"]"), "3:15", "the fields here are {sender}"},
    {"permit in on-fail", rule("on-fail = \"permit\""), "3:11", "\"permit\" may stand in a rule's on-pass only"},
    {"permit in on-none", rule("on-none = \"permit\""), "3:11", "\"permit\" may stand in a rule's on-pass only"},
    {"permit in on-unpublished", rule("on-unpublished = \"permit\""), "3:18",
     "\"permit\" may stand in a rule's on-pass only"},
    {"permit in on-temperror", rule("on-temperror = \"permit\""), "3:16",
     "\"permit\" may stand in a rule's on-pass only"},
    {"permit to everybody", rule("on-pass = \"permit\""), "3:11", "\"permit\" needs identities or identity-files"},
    {"permit to everybody with senders", rule("senders = [\"a.example\"]\non-pass = \"permit\""), "4:11",
     "\"permit\" needs identities"},
    {"permit by sender to everybody", rule("identities = [\"m.example\", \"*.{sender.domain}\"]\non-pass = \"permit\""),
     "3:28", "an identity made from the sender needs senders in a rule that permits"},
    {"text not ASCII", rule("text = \"caf\u00e9\""), "3:8", "rule.text: expected printable ASCII characters only"},
    {"text too long", rule("text = \"" + std::string(201, 't') + "\""), "3:8",
     "is 201 octets long, expected at most 200"},
    {"identity file missing", rule("identity-files = [\"/nonexistent/list\"]"), "3:19",
     "/nonexistent/list cannot be read: No such file or directory"},
    {"identity file is a folder", rule("identity-files = [\"/tmp\"]"), "3:19", "/tmp is not a regular file"},
};

void expect_one_error(const Bad& row) {
  INFO(row.label);
  INFO(row.text);
  const Folder folder;
  const auto loaded = load(folder.write("danegate.toml", row.text), environment());
  REQUIRE_FALSE(loaded);
  INFO(text_of(loaded.error()));
  const auto found = positions(loaded.error());
  CHECK(found.size() == 1);
  CHECK(found.front().starts_with(std::string("danegate.toml:") + row.at + ": "));
  CHECK(found.front().contains(row.message));
}

} // namespace

TEST_CASE("A value of the wrong type or out of bounds is reported where it stands", "[config]") {
  for (const auto& row : types_and_bounds)
    expect_one_error(row);
}

TEST_CASE("Unknown tables and settings are refused, with what may have been meant", "[config]") {
  for (const auto& row : names_and_places)
    expect_one_error(row);
}

TEST_CASE("Values of plain tables make sense", "[config]") {
  for (const auto& row : settings_values)
    expect_one_error(row);
}

TEST_CASE("The control socket is a file that nobody else uses", "[config]") {
  for (const auto& row : control_settings)
    expect_one_error(row);
}

TEST_CASE("The milter, and the rules that need it", "[config]") {
  for (const auto& row : milter_settings)
    expect_one_error(row);
}

TEST_CASE("The metrics listener", "[config]") {
  for (const auto& row : metrics_settings)
    expect_one_error(row);
}

TEST_CASE("Services make sense", "[config]") {
  for (const auto& row : services)
    expect_one_error(row);
}

TEST_CASE("Rules make sense", "[config]") {
  for (const auto& row : rules)
    expect_one_error(row);
}

TEST_CASE("All mistakes of a run are reported together, in the order of the file", "[config]") {
  const Folder folder;
  const auto file = folder.write("danegate.toml", R"([limits]
lookups = 0
[[rule]]
name = "a"
on-fail = "permit"
senders = ["x..y"]
[dns]
timeuot = "4s"
upstream = ["nobody"]
[[rule]]
on-none = 5
)");
  const auto loaded = load(file, environment());
  REQUIRE_FALSE(loaded);
  std::vector<std::string> lines;
  for (const auto& error : loaded.error())
    lines.push_back(std::to_string(error.line));
  INFO(text_of(loaded.error()));
  CHECK(lines == std::vector<std::string>{"2", "5", "6", "8", "9", "10", "11"});
}

TEST_CASE("More mistakes than anybody reads are counted, not listed", "[config]") {
  const Folder folder;
  std::string list;
  for (int i = 0; i < 250; ++i)
    list += "not a name\n";
  folder.write("list", list);
  const auto file = folder.write("danegate.toml", rule("identity-files = [\"list\"]"));
  const auto loaded = load(file, environment());
  REQUIRE_FALSE(loaded);
  REQUIRE(loaded.error().size() == Diagnostics::max_kept + 1);
  CHECK(loaded.error().back().message == "150 more errors not shown");
}

TEST_CASE("A file that cannot be read is an error of the file as a whole", "[config]") {
  const Folder folder;
  const auto missing = load(folder.path("none.toml"), environment());
  REQUIRE_FALSE(missing);
  REQUIRE(missing.error().size() == 1);
  CHECK(missing.error().front().text() == folder.path("none.toml") + ": cannot be read: No such file or directory");
}

} // namespace danegate::config
