#include "daemon/ctl/verify_question.h"

#include "daemon/ctl/owner_choice.h"

#include <algorithm>
#include <utility>

namespace danegate::ctl {

namespace {

/// A service whose client says the whole owner name. Its name is empty: it is none of the configuration's.
core::Service service_as_given() {
  core::Service service;
  service.names.push_back(*core::OwnerTemplate::parse("{helo}"));
  return service;
}

bool makes_a_name(const core::Service& service, const core::Identity& identity, const core::Ports& ports) {
  return std::ranges::any_of(service.names, [&](const core::OwnerTemplate& name_template) {
    return name_template.name_for(identity, service.keep_case, ports).has_value();
  });
}

core::Claims claims_of(const core::Identity& identity) {
  core::Claims claims;
  if (identity.is_address())
    claims.sender = {identity.local, identity.domain};
  else
    claims.helo = claims.subject = claims.client = identity.domain.text();
  return claims;
}

} // namespace

std::expected<VerifyQuestion, std::string> question_about(std::string_view name, std::string_view service,
                                                          std::span<const core::Service> services,
                                                          const core::Ports& ports) {
  const auto among = choose_services(services, service);
  if (!among) return std::unexpected(among.error());
  const auto names = names_to_try(name, *among, ports);
  if (!names) return std::unexpected(names.error());
  const auto identity = core::parse_identity(name, ports.to_ascii);
  const auto chosen =
      std::ranges::find_if(*among, [&](const core::Service& each) { return makes_a_name(each, *identity, ports); });
  const bool as_given = chosen == among->end() || identity->domain.text().starts_with('_');

  VerifyQuestion made{std::make_shared<const core::RuleSet>(std::vector{as_given ? service_as_given() : *chosen},
                                                            std::vector<core::Rule>{}, std::vector<core::DnsName>{},
                                                            true),
                      {}};
  made.question.service = &made.rules->services().front();
  made.question.claims = claims_of(*identity);
  return made;
}

} // namespace danegate::ctl
