// The port through which verdicts reach DNS.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_answer.h"

#include <cstddef>
#include <functional>
#include <memory>

namespace danegate::dns {

enum class Freshness : unsigned char {
  any,   ///< what the resolver has in its cache may serve
  fresh, ///< at most dns.min-ttl old
};

/// Called exactly once per resolve(), on the loop's thread, never from within resolve() itself.
using AnswerHandler = std::move_only_function<void(core::AnswerPtr)>;

/// Held by a lookup for as long as it occupies the resolver; its destructor gives the slot back to whoever counts.
/// A waiter may be answered long before: libunbound goes on with a query that nobody waits for.
using Lease = std::shared_ptr<void>;

/// An answer that came after its waiters had been told that time was up.
using LateAnswerHandler = std::function<void(const core::DnsName&, core::AnswerPtr)>;

class TlsaSource {
public:
  TlsaSource() = default;
  TlsaSource(const TlsaSource&) = delete;
  TlsaSource& operator=(const TlsaSource&) = delete;
  virtual ~TlsaSource() = default;

  /// Looks up the TLSA records of `name`. Equal lookups in flight are one. Within dns.timeout the handler gets an
  /// answer, at the latest Failed{timeout}; destroying the source completes every waiter with Failed first.
  /// To be called on the loop's thread.
  virtual void resolve(const core::DnsName& name, Freshness freshness, AnswerHandler handler, Lease lease) = 0;

  /// Called on the loop's thread for every late answer; an empty handler takes it back.
  virtual void set_late_answer_handler(LateAnswerHandler handler) = 0;

  /// The next question for this name is asked of its zone's servers, whatever was learned of it before. A lookup that
  /// is under way already is joined all the same.
  virtual void forget(const core::DnsName& name) = 0;

  /// The same for every name. Throws std::runtime_error if it cannot be done; nothing is forgotten then.
  virtual void forget_all() = 0;

  /// Lookups that occupy the resolver, including those whose waiters have been answered with a timeout.
  virtual std::size_t in_flight() const noexcept = 0;
};

} // namespace danegate::dns
