#include "daemon/service/hold_off_log.h"

#include <string>

namespace danegate::service {

void log_hold_off(Log& log, const core::HoldOff::Change& change) {
  using Kind = core::HoldOff::Change::Kind;
  const std::string seconds = std::to_string(change.lasted.count());
  const std::string refused = std::to_string(change.refused);
  switch (change.kind) {
  case Kind::begun:
    log.event(
        config::LogLevel::warning, "hold-off",
        "nothing answers for this domain: names below it are not asked for until it does",
        {{"domain", change.parent.text()}, {"dnssec", core::state_of(*change.last)}, {"why", core::why(*change.last)}});
    return;
  case Kind::ended:
    log.event(config::LogLevel::info, "hold-off-over", "the domain answers again",
              {{"domain", change.parent.text()}, {"seconds", seconds}, {"refused", refused}});
    return;
  case Kind::forgotten:
    log.event(config::LogLevel::info, "hold-off-over",
              "dropped: nobody asks for names below this domain, the resolver is a new one, or an operator flushed it",
              {{"domain", change.parent.text()}, {"seconds", seconds}, {"refused", refused}});
    return;
  }
}

} // namespace danegate::service
