#include "daemon/config/syntax.h"

#include "daemon/core/overloaded.h"

namespace danegate::config {

std::string_view Node::type_name() const noexcept {
  return std::visit(core::Overloaded{
                        [](bool) -> std::string_view { return "true or false"; },
                        [](std::int64_t) -> std::string_view { return "an integer"; },
                        [](const std::string&) -> std::string_view { return "a string"; },
                        [](const Array&) -> std::string_view { return "a list"; },
                        [](const Table&) -> std::string_view { return "a table"; },
                        [](const Unfit& unfit) { return unfit.type; },
                    },
                    value);
}

} // namespace danegate::config
