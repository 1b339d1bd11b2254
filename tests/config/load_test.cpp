// What a right configuration becomes.
#include "daemon/config/units.h"
#include "tests/config/config_files.h"

namespace danegate::config {

namespace {

const std::string data = DANEGATE_TEST_DATA "/config/";

std::vector<std::string> template_texts(const core::Service& service) {
  std::vector<std::string> texts;
  for (const auto& name : service.names)
    texts.push_back(name.text());
  return texts;
}

core::MailAddress address(std::string_view text) {
  return core::MailAddress::parse(text, std::nullopt, nullptr);
}

core::Identity identity(std::string_view text) {
  return *core::parse_identity(text, nullptr);
}

} // namespace

TEST_CASE("An empty file gives the defaults of the contract", "[config]") {
  const auto config = load_text("");
  CHECK(config->warnings.empty());
  CHECK(config->server.user == "_danegate");
  CHECK(config->server.authserv_id == "mx.example.net");
  CHECK(config->server.origin->text() == "example.net");
  CHECK(config->server.control->text() == "unix:/run/danegate/control");
  REQUIRE(config->policy.listen.size() == 1);
  CHECK(config->policy.listen[0].text() == "unix:/var/spool/postfix/danegate/policy");
  CHECK(config->policy.socket_mode == 0660);
  CHECK(config->policy.socket_group == "postfix");
  CHECK_FALSE(config->policy.header_always);
  CHECK(config->policy.idle_timeout == std::chrono::seconds(1000));
  // The structures have defaults of their own; the schema must not differ from them.
  core::ResolverSettings resolver;
  resolver.trust_anchor_files = {"/usr/share/dns/root.key"};
  resolver.anchor_digest = config->dns.anchor_digest; // of whatever this host has
  CHECK(config->dns == resolver);
  const core::CacheLimits cache;
  CHECK(config->cache.entries == cache.entries);
  CHECK(config->cache.min_ttl == cache.min_ttl);
  CHECK(config->cache.max_ttl == cache.max_ttl);
  CHECK(config->cache.negative_max_ttl == cache.negative_max_ttl);
  const Limits limits;
  CHECK(config->limits.deadline == limits.deadline);
  CHECK(config->limits.lookups == limits.lookups);
  CHECK(config->limits.lookups_per_client == limits.lookups_per_client);
  CHECK(config->limits.lookups_per_entry == limits.lookups_per_entry);
  CHECK(config->limits.names_per_request == limits.names_per_request);
  CHECK(config->limits.records_per_name == limits.records_per_name);
  CHECK(config->limits.policy_connections == limits.policy_connections);
  CHECK(config->limits.request_bytes == limits.request_bytes);
  CHECK(config->log == LogSettings{});
  CHECK(config->rules->rules().empty());
}

TEST_CASE("Without [[service]] there are the two of a fresh installation", "[config]") {
  const auto config = load_text("");
  const auto services = config->rules->services();
  REQUIRE(services.size() == 2);
  CHECK(services[0].name == "smtp");
  CHECK(services[0].ports == std::vector<std::uint16_t>{25});
  CHECK(template_texts(services[0]) ==
        std::vector<std::string>{"_smtp-client.{helo}", "_smtp-client.{subject}", "_smtp-client.{client}"});
  CHECK(services[1].name == "submission");
  CHECK(services[1].ports == std::vector<std::uint16_t>{465, 587});
  CHECK(template_texts(services[1]) ==
        std::vector<std::string>{"_submission-client.{subject}", "{sender.hash}._submission-client.{sender.domain}"});
  for (const auto& service : services) {
    CHECK(service.default_action == core::Action::tag);
    CHECK(service.mode == core::Mode::enforce);
    CHECK_FALSE(service.keep_case);
  }
}

TEST_CASE("Every setting reaches its place", "[config]") {
  const auto config = load_good(data + "full/danegate.toml");
  INFO(text_of(config->warnings));
  CHECK(config->warnings.empty());
  CHECK(config->server.user.empty());
  CHECK(config->server.authserv_id == "mail.example.org");
  CHECK(config->server.origin->text() == "xn--bcher-kva.example");
  CHECK(config->server.control->text() == "unix:/run/danegate/steering");
  REQUIRE(config->policy.listen.size() == 3);
  CHECK(config->policy.listen[0] == Listen{Listen::Kind::unix_socket, "/run/danegate/policy", 0});
  CHECK(config->policy.listen[1] == Listen{Listen::Kind::inet, "127.0.0.1", 10044});
  CHECK(config->policy.listen[2] == Listen{Listen::Kind::inet, "::1", 10045});
  CHECK(config->policy.listen[2].text() == "inet:[::1]:10045");
  CHECK(config->policy.socket_mode == 0666);
  CHECK(config->policy.socket_group.empty());
  CHECK(config->policy.header_always);
  CHECK(config->policy.idle_timeout == std::chrono::minutes(20));
  CHECK(config->limits.deadline == std::chrono::seconds(6));
  CHECK(config->limits.lookups == 11);
  CHECK(config->limits.lookups_per_client == 12);
  CHECK(config->limits.lookups_per_entry == 13);
  CHECK(config->limits.names_per_request == 4);
  CHECK(config->limits.records_per_name == 15);
  CHECK(config->limits.policy_connections == 16);
  CHECK(config->limits.request_bytes == 131072);
  CHECK(config->log == LogSettings{LogLevel::warning, true, true});
  CHECK(config->cache.entries == 17);
}

TEST_CASE("The resolver's settings reach their place", "[config]") {
  const auto config = load_good(data + "full/danegate.toml");
  const auto& dns = config->dns;
  CHECK(dns.trust_anchor_files == std::vector<std::string>{data + "full/root.key", "/etc/danegate/other.key"});
  CHECK(dns.trust_anchors == std::vector<std::string>{"branch.example. 3600 IN DS 12345 13 2 00aa"});
  CHECK(dns.auto_trust_anchor_file == "/var/lib/danegate/root.key");
  CHECK_FALSE(dns.system_resolvers);
  REQUIRE(dns.upstream.size() == 2);
  CHECK(dns.upstream[0] == core::Upstream{"192.0.2.1", 853, "dns.example", true, false});
  CHECK(dns.upstream[1] == core::Upstream{"::1", 8853, "", true, true});
  REQUIRE(dns.stub_zones.size() == 2);
  CHECK(dns.stub_zones[0] == core::StubZone{"branch.example",
                                            {core::Upstream{"127.0.0.1", 5300, "", false, true},
                                             core::Upstream{"2001:db8::1", 53, "", false, false}}});
  CHECK(dns.stub_zones[1].zone == ".");
  CHECK(dns.timeout == std::chrono::milliseconds(2500));
  CHECK(dns.min_ttl == std::chrono::seconds(10));
  CHECK(dns.max_ttl == std::chrono::seconds(600));
  CHECK(dns.negative_max_ttl == std::chrono::seconds(60));
  CHECK(config->cache.min_ttl == dns.min_ttl);
  CHECK(config->cache.max_ttl == dns.max_ttl);
  CHECK(config->cache.negative_max_ttl == dns.negative_max_ttl);
}

TEST_CASE("resolv.conf's servers can be asked", "[config]") {
  const auto config = load_text("[dns]\nupstream = [\"system\"]\n");
  CHECK(config->dns.system_resolvers);
  CHECK(config->dns.upstream.empty());
}

TEST_CASE("Services and rules of all files, in their order", "[config]") {
  const auto config = load_good(data + "full/danegate.toml");
  const auto services = config->rules->services();
  REQUIRE(services.size() == 2);
  CHECK(services[0].name == "smtp");
  CHECK(services[0].default_action == core::Action::hold);
  CHECK(services[1].name == "relay");
  CHECK(services[1].mode == core::Mode::monitor);
  CHECK(services[1].keep_case);
  CHECK(services[1].ports.empty());
  std::vector<std::string> names;
  for (const auto& rule : config->rules->rules())
    names.push_back(rule.name);
  CHECK(names == std::vector<std::string>{"everything", "from-10", "from-20"});
  REQUIRE(config->rule_places.size() == 3);
  CHECK(config->rule_places[0] == Place{data + "full/danegate.toml", 57, 8});
  CHECK(config->rule_places[1] == Place{data + "full/conf.d/10-first.toml", 7, 8});
  CHECK(config->rule_places[2] == Place{data + "full/conf.d/20-second.toml", 2, 8});
}

TEST_CASE("A rule with every key", "[config]") {
  const auto config = load_good(data + "full/danegate.toml");
  const auto& rule = config->rules->rules()[0];
  CHECK(rule.services == std::vector<std::string>{"smtp", "relay"});
  REQUIRE(rule.senders.size() == 4);
  CHECK(rule.senders[0].matches(address("ceo@acme.example")));
  CHECK(rule.senders[1].matches(address("ceo@a.b.xn--bcher-kva.example")));
  CHECK(rule.senders[2].matches(address("BOB@other.example")));
  CHECK(rule.senders[3].matches(address("<>")));
  REQUIRE(rule.recipients.size() == 1);
  CHECK(rule.recipients[0].kind() == core::AddressPattern::Kind::local_part);
  REQUIRE(rule.clients.size() == 2);
  CHECK(rule.clients[0].contains(*core::IpAddress::parse("192.0.2.77")));
  CHECK_FALSE(rule.clients[0].contains(*core::IpAddress::parse("192.0.3.77")));
  CHECK(rule.sasl == std::optional(false));
  REQUIRE(rule.identities.size() == 2);
  CHECK(rule.names_in_full(identity("mta1.acme.example")));
  CHECK(rule.names_in_full(identity("first.list.example")));
  CHECK(rule.names_in_full(identity("alice@list.example")));
  CHECK(rule.names_in_full(identity("second.list.example")));
  CHECK_FALSE(rule.names_in_full(identity("comment.list.example")));
  REQUIRE(rule.grants);
  CHECK(rule.grants->allow(identity("mta1.acme.example"), address("x@acme.example")));
  CHECK(rule.grants->allow(identity("mta1.acme.example"), address("<>")));
  CHECK_FALSE(rule.grants->allow(identity("mta1.acme.example"), address("x@b.acme.example")));
  CHECK(rule.on_pass == core::Action::permit);
  CHECK(rule.on_fail == core::Action::defer);
  CHECK(rule.on_none == core::Action::hold);
  CHECK(rule.on_unpublished == core::Action::reject);
  CHECK(rule.on_temperror == core::Action::reject);
  CHECK(rule.mode == core::Mode::monitor);
  CHECK(rule.text == "Say \"hello\" first");
}

TEST_CASE("A rule with a name only has the defaults of the contract", "[config]") {
  const auto config = load_text("[[rule]]\nname = \"r\"\nsenders = [\"a.example\"]\n");
  const auto& rule = config->rules->rules()[0];
  CHECK_FALSE(rule.names_identities());
  CHECK_FALSE(rule.sasl);
  CHECK_FALSE(rule.grants);
  CHECK(rule.on_pass == core::Action::tag);
  CHECK(rule.on_fail == core::Action::reject);
  CHECK(rule.on_none == core::Action::reject);
  CHECK(rule.on_unpublished == core::Action::defer);
  CHECK(rule.on_temperror == core::Action::defer);
  CHECK(rule.mode == core::Mode::enforce);
  CHECK(rule.text.empty());
}

TEST_CASE("The milter's settings", "[config]") {
  const auto none = load_text("");
  CHECK_FALSE(none->milter.listen);
  CHECK_FALSE(none->policy.trust_inet);

  const auto config =
      load_text("[policy]\ntrust-inet = true\n[milter]\nlisten = \"inet:[::1]:10045\"\n"
                "socket-mode = 0o600\nsocket-group = \"mail\"\nremove = \"all\"\n"
                "[[rule]]\nname = \"r\"\nfrom = [\"acme.example\", \".beta.example\", \"c@d.example\"]\n");
  REQUIRE(config->milter.listen);
  CHECK(config->milter.listen->text() == "inet:[::1]:10045");
  CHECK(config->milter.socket_mode == 0600);
  CHECK(config->milter.socket_group == "mail");
  CHECK(config->milter.remove_all);
  CHECK(config->policy.trust_inet);
  CHECK(load_text("[policy]\nlisten = []\n[milter]\nlisten = \"unix:/m\"\n")->policy.listen.empty());
  CHECK(config->rules->rules()[0].from.size() == 3);
}

TEST_CASE("The metrics listener, if there is one", "[config]") {
  CHECK_FALSE(load_text("")->metrics.listen);
  CHECK_FALSE(load_text("[metrics]\n")->metrics.listen);
  const auto inet = load_text("[metrics]\nlisten = \"inet:[::1]:9144\"\n");
  REQUIRE(inet->metrics.listen);
  CHECK(inet->metrics.listen->text() == "inet:[::1]:9144");
  const auto file = load_text("[metrics]\nlisten = \"unix:/run/danegate/metrics\"\n");
  REQUIRE(file->metrics.listen);
  CHECK(file->metrics.listen->text() == "unix:/run/danegate/metrics");
}

TEST_CASE("The lookup list is the rules' and lookup.domains", "[config]") {
  const auto config = load_text("[lookup]\ndomains = [\"open.example\"]\n");
  const auto& service = config->rules->services()[0];
  const auto admitted = [&](const char* owner) {
    auto name = *core::DnsName::parse(owner);
    return config->rules->admits(service, {name, {{}, *name.parent()}}).has_value();
  };
  CHECK(admitted("_smtp-client.open.example"));
  CHECK(admitted("_smtp-client.mx.open.example"));
  CHECK_FALSE(admitted("_smtp-client.closed.example"));
}

TEST_CASE("Defaults that depend on the host", "[config]") {
  struct Row {
    const char* label;
    const char* host;
    const char* myorigin;
    const char* origin; ///< empty: none, and a warning
  };

  const std::vector<Row> rows{
      {"myorigin", "mx.example.net", "example.org", "example.org"},
      {"host's domain", "mx.example.net", "", "example.net"},
      {"myorigin of one label, as Postfix would append it", "mx.example.net", "vm", "vm"},
      {"myorigin that is no name", "mx.example.net", "$mydomain", "example.net"},
      {"nothing", "mx", "", ""},
  };
  const Folder folder;
  const auto file = folder.write("danegate.toml", "");
  for (const auto& row : rows) {
    INFO(row.label);
    auto here = environment();
    here.host_name = row.host;
    here.mail_origin = row.myorigin;
    const auto loaded = load(file, here);
    REQUIRE(loaded);
    const auto& server = (*loaded)->server;
    CHECK(server.authserv_id == row.host);
    CHECK((server.origin ? server.origin->text() : std::string()) == row.origin);
    CHECK((*loaded)->warnings.size() == (server.origin ? 0 : 1));
  }
}

TEST_CASE("A host without group postfix", "[config]") {
  struct Row {
    const char* label;
    const char* text;
    const char* policy;
    const char* milter;
    std::size_t warnings;
  };

  const std::vector<Row> rows{
      {"the default", "", "", "", 1},
      {"with a milter", "[milter]\nlisten = \"unix:/m\"\n", "", "", 2},
      {"no unix socket", "[policy]\nlisten = [\"inet:127.0.0.1:10044\"]\n", "", "", 0},
      {"asked for by name: the start fails", "[policy]\nsocket-group = \"postfix\"\n", "postfix", "", 0},
      {"another one", "[policy]\nsocket-group = \"mail\"\n", "mail", "", 0},
      {"ours, and said so", "[policy]\nsocket-group = \"\"\n", "", "", 0},
  };
  const Folder folder;
  auto here = environment();
  here.has_postfix_group = false;
  for (const auto& row : rows) {
    INFO(row.label);
    const auto loaded = load(folder.write("danegate.toml", row.text), here);
    REQUIRE(loaded);
    CHECK((*loaded)->policy.socket_group == row.policy);
    CHECK((*loaded)->milter.socket_group == row.milter);
    CHECK((*loaded)->warnings.size() == row.warnings);
  }
  CHECK(load(folder.write("danegate.toml", ""), environment()).value()->policy.socket_group == "postfix");
}

TEST_CASE("Durations and sizes", "[config]") {
  CHECK(parse_duration("8s") == std::chrono::milliseconds(8000));
  CHECK(parse_duration("1500ms") == std::chrono::milliseconds(1500));
  CHECK(parse_duration("2m") == std::chrono::milliseconds(120000));
  CHECK(parse_duration("1h") == std::chrono::milliseconds(3600000));
  CHECK(parse_duration("10000d"));
  for (const auto* bad :
       {"", "s", "8", "8 s", "8S", " 8s", "-8s", "+8s", "1.5s", "8sec", "10001d", "99999999999999999999s"}) {
    INFO(bad);
    CHECK_FALSE(parse_duration(bad));
  }
  CHECK(parse_size("64KiB") == 65536);
  CHECK(parse_size("1MiB") == 1048576);
  for (const auto* bad : {"", "65536", "64kB", "64K", "-1KiB", "9999999999999MiB"}) {
    INFO(bad);
    CHECK_FALSE(parse_size(bad));
  }
  for (const auto* text : {"0s", "1ms", "90s", "2m", "1h", "7d"})
    CHECK(format_duration(*parse_duration(text)) == text);
  CHECK(format_size(65536) == "64KiB");
  CHECK(format_size(1000) == "1000");
}

} // namespace danegate::config
