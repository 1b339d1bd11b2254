// A value that is there already, or the wait for it: what is known costs no coroutine.
#pragma once

#include <boost/asio/awaitable.hpp>

#include <utility>
#include <variant>

namespace danegate::service {

template <class Value>
using Soon = std::variant<Value, boost::asio::awaitable<Value>>;

/// For those to whom a coroutine more is nothing.
template <class Value>
boost::asio::awaitable<Value> wait_for(Soon<Value> soon) {
  if (auto* const known = std::get_if<Value>(&soon)) co_return std::move(*known);
  auto later = std::get<boost::asio::awaitable<Value>>(std::move(soon));
  co_return co_await std::move(later);
}

} // namespace danegate::service
