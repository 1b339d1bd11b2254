// std::visit with one lambda an alternative.
#pragma once

namespace danegate::core {

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

} // namespace danegate::core
