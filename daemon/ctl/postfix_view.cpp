#include "daemon/ctl/postfix_view.h"

#include "daemon/core/ip_address.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

namespace danegate::ctl {

const std::vector<std::string> rcpt_lists{"smtpd_client_restrictions", "smtpd_helo_restrictions",
                                          "smtpd_sender_restrictions", "smtpd_relay_restrictions",
                                          "smtpd_recipient_restrictions"};
const std::vector<std::string> data_lists{"smtpd_data_restrictions", "smtpd_end_of_data_restrictions"};

namespace {

using config::Listen;
using config::PostfixService;

enum class Fit : std::uint8_t { ours, meant, other };

/// Same folder and name, or one that says so: somebody meant danegate.
bool looks_meant(std::string_view path, const std::string& listening) {
  if (path.find("danegate") != std::string_view::npos) return true;
  const std::filesystem::path a(path);
  const std::filesystem::path b(listening);
  return a.filename() == b.filename() && a.parent_path().filename() == b.parent_path().filename();
}

Fit fit_unix(const PostfixService& service, std::string_view address, const Listen& listen,
             const Surroundings& around) {
  if (around.canonical(socket_path(service, address)) == around.canonical(listen.address)) return Fit::ours;
  return looks_meant(address.substr(address.find(':') + 1), listen.address) ? Fit::meant : Fit::other;
}

/// A name may be any address: given the benefit of the doubt. Another number is another host's danegate.
Fit fit_inet(std::string_view address, const Listen& listen) {
  address.remove_prefix(std::min(address.find(':') + 1, address.size()));
  const auto colon = address.rfind(':');
  if (address.substr(colon + 1) != std::to_string(listen.port)) return Fit::other; // npos + 1 is 0
  auto host = colon == std::string_view::npos ? std::string_view("localhost") : address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto number = core::IpAddress::parse(host);
  const auto own = core::IpAddress::parse(listen.address);
  const bool any = listen.address == "0.0.0.0" || listen.address == "::";
  return !number || any || number == own ? Fit::ours : Fit::other;
}

Fit fit(const PostfixService& service, std::string_view address, const Listen& listen, const Surroundings& around) {
  const bool is_path = address.starts_with("unix:") || address.starts_with("local:");
  if (is_path != (listen.kind == Listen::Kind::unix_socket)) return Fit::other;
  return is_path ? fit_unix(service, address, listen, around) : fit_inet(address, listen);
}

Fit best_fit(const PostfixService& service, std::string_view address, const std::vector<Listen>& listeners,
             const Surroundings& around) {
  auto best = Fit::other;
  for (const auto& listen : listeners)
    best = std::min(best, fit(service, address, listen, around));
  return best;
}

void choose_judge(Ask& ask, const PostfixService& service, const core::RuleSet& rules) {
  const auto context = ask.endpoint.options.find("policy_context");
  if (context != ask.endpoint.options.end() && !context->second.empty()) {
    ask.judge = rules.service_named(context->second);
    if (ask.judge) return;
    ask.context_unknown = true;
  }
  const auto port = service.port();
  if (!port) return;
  ask.judge = rules.service_on_port(*port);
  ask.no_service = !ask.judge;
}

void find_asks(const SmtpdView& smtpd, const PostfixView& view, const std::string& name, std::vector<Ask>& found) {
  const auto& list = smtpd.lists.find(name)->second;
  bool reached = true;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].is("check_policy_service")) {
      Ask ask{name, i, Endpoint::parse(list[i].argument), false, reached};
      const auto how = best_fit(*smtpd.service, ask.endpoint.address, view.config.policy.listen, view.around);
      ask.listening = how == Fit::ours;
      choose_judge(ask, *smtpd.service, *view.config.rules);
      if (how != Fit::other) found.push_back(std::move(ask));
    }
    if (list[i].is_unconditional()) reached = false;
  }
}

/// Of classes that no list names itself.
void find_class_asks(SmtpdView& smtpd, const PostfixView& view, const ParameterValue& value_of) {
  for (const auto& name : split_list(value_of("smtpd_restriction_classes"))) {
    const bool named = std::ranges::any_of(
        smtpd.asks, [&](const Ask& ask) { return smtpd.list(ask.list)[ask.position].holder == name; });
    if (named || !smtpd.lists.emplace(name, unfold(name, value_of)).second) continue;
    find_asks(smtpd, view, name, smtpd.class_asks);
  }
}

SmtpdView look_at(const PostfixService& service, const PostfixView& view) {
  SmtpdView smtpd{&service, {}, {}, {}, false, {}};
  const ParameterValue value_of = [&](std::string_view parameter) { return service.value(parameter); };
  bool has_map = false;
  for (const auto* const lists : {&rcpt_lists, &data_lists})
    for (const auto& name : *lists) {
      const auto& list = smtpd.lists.emplace(name, unfold(name, value_of)).first->second;
      has_map = has_map || std::ranges::any_of(list, &Restriction::is_map);
      find_asks(smtpd, view, name, smtpd.asks);
    }
  if (has_map) find_class_asks(smtpd, view, value_of);
  smtpd.map_may_ask = !smtpd.class_asks.empty();
  if (!view.config.milter.listen) return smtpd;
  for (const auto& word : split_list(service.value("smtpd_milters"))) {
    auto milter = Endpoint::parse(word);
    const auto how = best_fit(service, milter.address, {*view.config.milter.listen}, view.around);
    if (how != Fit::other) smtpd.milters.push_back({std::move(milter), how == Fit::ours});
  }
  return smtpd;
}

} // namespace

const Restrictions& SmtpdView::list(std::string_view name) const {
  return lists.find(name)->second;
}

bool SmtpdView::asks_at(std::string_view name) const {
  return std::ranges::any_of(asks, [&](const Ask& ask) { return ask.list == name && ask.reached; });
}

bool SmtpdView::a_map_is_named_after(const Ask& class_ask) const {
  const auto is_named_so = [&](const Restriction& each) {
    return each.is_map() && each.text().find(class_ask.list) != std::string::npos;
  };
  return std::ranges::any_of(lists, [&](const auto& entry) { return std::ranges::any_of(entry.second, is_named_so); });
}

std::vector<const Ask*> SmtpdView::all_asks() const {
  std::vector<const Ask*> all;
  for (const auto* const some : {&asks, &class_asks})
    for (const auto& ask : *some)
      all.push_back(&ask);
  return all;
}

PostfixView look_at_postfix(std::string file, const config::Config& config, const config::PostfixSetup& setup,
                            const Surroundings& around) {
  PostfixView view{std::move(file), config, setup, around, {}};
  for (const auto& service : setup.smtpd)
    view.smtpd.push_back(look_at(service, view));
  return view;
}

std::string socket_path(const PostfixService& service, std::string_view address) {
  const std::string path(address.substr(std::min(address.find(':') + 1, address.size())));
  const std::string queue(service.value("queue_directory"));
  if (!path.starts_with('/')) return queue + '/' + path;
  return service.chroot ? queue + path : path;
}

std::string address_for(const PostfixView& view, const PostfixService& service, const Listen& listen) {
  if (listen.kind == Listen::Kind::inet) return listen.text();
  const auto path = view.around.canonical(listen.address);
  const auto queue = view.around.canonical(std::string(service.value("queue_directory"))) + '/';
  if (path.starts_with(queue)) return "unix:" + path.substr(queue.size());
  return service.chroot ? std::string() : listen.text();
}

Endpoint good_endpoint(const PostfixView& view, const PostfixService& service, const core::Service* judge) {
  constexpr std::chrono::seconds margin{2};
  Endpoint endpoint;
  for (const auto& listen : view.config.policy.listen)
    if (endpoint.address.empty()) endpoint.address = address_for(view, service, listen);
  if (endpoint.address.empty()) endpoint.address = "unix:danegate/policy";
  const auto deadline = std::chrono::ceil<std::chrono::seconds>(view.config.limits.deadline);
  endpoint.options["timeout"] = std::to_string((deadline + margin).count()) + 's';
  endpoint.options["default_action"] = "451 4.3.5 Server configuration problem";
  if (judge) endpoint.options["policy_context"] = judge->name;
  return endpoint;
}

Finding parameter_finding(const PostfixView& view, const PostfixService& service, std::string_view parameter,
                          Finding finding) {
  finding.parameter = parameter;
  const bool overridden = service.overrides.contains(parameter);
  finding.place.file = overridden ? view.master_cf() : view.main_cf();
  if (overridden) finding.entry = service.entry();
  return finding;
}

Fix set_parameter(const PostfixView& view, const PostfixService& service, std::string_view parameter,
                  std::string_view value, bool force) {
  const std::string name(parameter);
  const std::string text(value);
  if (!force && !service.overrides.contains(parameter)) return {view.main_cf(), {}, name + " = " + text};
  const bool plain = text.find_first_of(" \t{}") == std::string::npos;
  return {view.master_cf(), service.entry(),
          plain ? "  -o " + name + '=' + text : "  -o { " + name + " = " + text + " }"};
}

Fix replace_endpoint(const PostfixView& view, const SmtpdView& smtpd, const Ask& ask, const Endpoint& by) {
  const auto& old = smtpd.list(ask.list)[ask.position];
  std::string value(smtpd.service->value(old.holder));
  if (const auto at = value.find(old.argument); at != std::string::npos)
    value.replace(at, old.argument.size(), by.text());
  return set_parameter(view, *smtpd.service, old.holder, value);
}

bool is_for(const core::Rule& rule, const core::Service* service) {
  return !service || rule.services.empty() || std::ranges::find(rule.services, service->name) != rule.services.end();
}

bool some_rule_permits(const config::Config& config, const core::Service* service) {
  return std::ranges::any_of(config.rules->rules(), [&](const core::Rule& rule) {
    return rule.on_pass == core::Action::permit && is_for(rule, service);
  });
}

bool some_rule_refuses(const config::Config& config, const core::Service* service, bool from) {
  if (service && service->mode == core::Mode::monitor) return false;
  if (service && !from && core::is_refusal(service->default_action)) return true;
  return std::ranges::any_of(config.rules->rules(), [&](const core::Rule& rule) {
    return rule.from.empty() != from && rule.mode == core::Mode::enforce && is_for(rule, service) &&
           (core::is_refusal(rule.on_pass) || core::is_refusal(rule.on_fail) || core::is_refusal(rule.on_none) ||
            core::is_refusal(rule.on_unpublished) || core::is_refusal(rule.on_temperror));
  });
}

} // namespace danegate::ctl
