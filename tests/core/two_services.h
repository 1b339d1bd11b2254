// The two services that rules are written for in the tests, and rules by name.
#pragma once

#include "daemon/core/rules.h"
#include "tests/core/builders.h"

#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

inline Service service(std::string name, std::vector<std::uint16_t> ports, Mode mode = Mode::enforce) {
  Service s;
  s.name = std::move(name);
  s.ports = std::move(ports);
  s.names = {owner_template("_smtp-client.{helo}")};
  s.mode = mode;
  return s;
}

inline std::vector<Service> two_services() {
  return {service("smtp", {25, 10025}), service("submission", {465, 587})};
}

inline RuleSet rule_set(std::vector<Rule> rules) {
  return {two_services(), std::move(rules), {}, false};
}

inline Rule named(std::string name) {
  Rule r;
  r.name = std::move(name);
  return r;
}

} // namespace danegate::test
