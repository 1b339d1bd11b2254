// One validating resolver with a cache of its own, as the lookup engine sees it.
#pragma once

#include "daemon/dns/unbound_answer.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace danegate::dns {

/// Gets the reply once; its packet is valid during the call only.
using Continuation = std::move_only_function<void(const UnboundReply&)>;

/// Lives on the loop's thread.
class ResolverContext {
public:
  ResolverContext() = default;
  ResolverContext(const ResolverContext&) = delete;
  ResolverContext& operator=(const ResolverContext&) = delete;
  virtual ~ResolverContext() = default;

  /// `then` is called later on the loop, unless close() comes first.
  virtual void ask(const std::string& name, std::uint16_t type, Continuation then) = 0;

  /// Nothing is under way.
  virtual bool idle() const noexcept = 0;

  /// It has stopped working: every query fails from now on.
  virtual bool stopped() const noexcept = 0;

  /// Drops what is under way; each query is continued with an error, later on the loop.
  virtual void give_up() = 0;

  /// No continuation is called from now on.
  virtual void close() = 0;
};

/// Of a context's thread, where processors are short: `low` leaves them to everybody else.
enum class ThreadPriority : std::uint8_t { usual, low };

/// Throws std::runtime_error if none can be made.
using MakeContext = std::function<std::shared_ptr<ResolverContext>(ThreadPriority)>;

} // namespace danegate::dns
