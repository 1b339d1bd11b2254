// TLSA answers by libunbound, which recurses or asks the configured upstreams, and validates here in this process.
//
// Fresh answers come from a context of their own, which is replaced when it is dns.min-ttl old (lookup_engine.h). Two
// contexts with different cache-max-ttl, the obvious way, are not to be had: libunbound keeps that setting in a
// variable of the process, 1.17 and 1.22 alike. Behind upstream resolvers, "fresh" cannot be fresher than their caches.
//
// Life cycle: made on the loop's thread, configured and checked in the constructor, before the first query. Destruction
// completes every waiter with Failed, drops what libunbound has under way and joins its threads (27 ms with 2,000
// queries under way).
//
// Threading: everything here runs on the loop's thread. libunbound's threads, one for each context, do the network and
// the validation and hand results over through a descriptor that the loop watches.
#pragma once

#include "daemon/core/resolver_settings.h"
#include "daemon/dns/anchor_health.h"
#include "daemon/dns/lookup_engine.h"
#include "daemon/dns/tlsa_source.h"

#include <boost/asio/io_context.hpp>

#include <expected>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace danegate::dns {

class UnboundSource final : public TlsaSource {
public:
  /// Told in words, for the log, what is wrong beyond one lookup.
  using WarningHandler = LookupEngine::WarningHandler;

  /// Throws std::runtime_error, naming the option or the anchor, if libunbound does not take the settings.
  UnboundSource(boost::asio::io_context& loop, const core::ResolverSettings& settings, WarningHandler warn = {});
  UnboundSource(const UnboundSource&) = delete;
  UnboundSource& operator=(const UnboundSource&) = delete;
  ~UnboundSource() override;

  /// A denial whose zone opts out of NSEC3's proof costs a second query, for the zone's SOA. A name that was asked for
  /// freshly is not answered out of the main context's cache for dns.max-ttl after that: an older answer may be there.
  void resolve(const core::DnsName& name, Freshness freshness, AnswerHandler handler, Lease lease) override;
  /// Behind upstream resolvers: as far as their caches allow.
  void forget(const core::DnsName& name) override;
  void forget_all() override;
  /// Failed answers are never late answers.
  void set_late_answer_handler(LateAnswerHandler handler) override;
  std::size_t in_flight() const noexcept override;

  /// Asks each anchor's zone for its keys. `done` is called once, on the loop's thread, within self_test_limit; never
  /// from within self_test(), and not at all if the source is destroyed before.
  void self_test(std::function<void(SelfTestReport)> done);

  /// Whether the anchors can be read, are taken by libunbound, and are not none at all: without one every zone would be
  /// insecure. Whether libunbound takes the other settings, too. Needs no network. May be called on another thread, but
  /// not while a source is being made. libunbound's cache bounds, variables of the process, are those of `settings`
  /// afterwards.
  static std::expected<void, std::string> check_anchors(const core::ResolverSettings& settings);

private:
  boost::asio::io_context& loop_;
  std::vector<std::string> anchor_owners_;
  std::shared_ptr<LookupEngine> engine_;
};

} // namespace danegate::dns
