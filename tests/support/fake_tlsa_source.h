// A TlsaSource whose DNS is the test itself: lookups wait until the test answers them, leases until it releases them.
//
// The test keeps a FakeDns and gives the authenticator sources made of it; what was asked stays readable after a source
// is gone. It keeps the port's promises: never a handler from within resolve(), each handler once, and a source that is
// destroyed completes its waiters first.
#pragma once

#include "daemon/dns/tlsa_source.h"

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

class FakeDns : public std::enable_shared_from_this<FakeDns> {
public:
  struct Lookup {
    core::DnsName name;
    dns::Freshness freshness;
    dns::AnswerHandler handler; ///< empty once called
    dns::Lease lease;           ///< null once released
  };

  static std::shared_ptr<FakeDns> make() { return std::make_shared<FakeDns>(); }

  /// One source at a time.
  std::unique_ptr<dns::TlsaSource> source();

  std::vector<std::string> forgotten; ///< names, and "*" for all of them

  std::size_t asked() const noexcept { return lookups_.size(); }

  const Lookup& lookup(std::size_t i) const { return lookups_.at(i); }

  std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const Lookup& l : lookups_)
      names.push_back(l.name.text());
    return names;
  }

  /// Answers the waiter; the lookup goes on occupying the resolver.
  void answer(std::size_t i, core::AnswerPtr answer) {
    auto handler = std::exchange(lookups_.at(i).handler, nullptr);
    if (!handler) throw std::logic_error("answered twice");
    handler(std::move(answer));
  }

  /// The lookup leaves the resolver.
  void release(std::size_t i) { lookups_.at(i).lease.reset(); }

  void finish(std::size_t i, core::AnswerPtr with) {
    answer(i, std::move(with));
    release(i);
  }

  /// An answer after its waiters were told that time is up. False if nobody wants such answers.
  bool late(const core::DnsName& name, core::AnswerPtr answer) {
    if (!late_) return false;
    late_(name, std::move(answer));
    return true;
  }

private:
  class Source;

  std::vector<Lookup> lookups_;
  dns::LateAnswerHandler late_;
};

class FakeDns::Source final : public dns::TlsaSource {
public:
  explicit Source(std::shared_ptr<FakeDns> of) : dns_(std::move(of)) {}

  ~Source() override {
    const auto gone = std::make_shared<const core::TlsaAnswer>(
        core::TlsaAnswer{core::Failed{core::FailureKind::server_failure, "the source is gone"}, {}});
    for (std::size_t i = 0; i < dns_->lookups_.size(); ++i) {
      if (dns_->lookups_[i].handler) dns_->answer(i, gone);
      dns_->release(i);
    }
    dns_->late_ = {};
  }

  void resolve(const core::DnsName& name, dns::Freshness freshness, dns::AnswerHandler handler,
               dns::Lease lease) override {
    dns_->lookups_.push_back({name, freshness, std::move(handler), std::move(lease)});
  }

  void forget(const core::DnsName& name) override { dns_->forgotten.push_back(name.text()); }

  void forget_all() override { dns_->forgotten.emplace_back("*"); }

  void set_late_answer_handler(dns::LateAnswerHandler handler) override { dns_->late_ = std::move(handler); }

  std::size_t in_flight() const noexcept override {
    std::size_t held = 0;
    for (const Lookup& l : dns_->lookups_)
      held += l.lease ? 1U : 0U;
    return held;
  }

private:
  std::shared_ptr<FakeDns> dns_;
};

inline std::unique_ptr<dns::TlsaSource> FakeDns::source() {
  return std::make_unique<Source>(shared_from_this());
}

} // namespace danegate::test
