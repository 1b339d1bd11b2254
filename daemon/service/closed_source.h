// A source that knows nothing and asks nobody: every lookup fails at once.
//
// Stands in where the resolver of before must not serve any more and there is no new one yet, so that doubt is the
// answer meanwhile. Loop's thread only; handlers that are still due when the loop ends are not called.
#pragma once

#include "daemon/dns/tlsa_source.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <utility>

namespace danegate::service {

class ClosedSource final : public dns::TlsaSource {
public:
  explicit ClosedSource(boost::asio::io_context& loop) : loop_(loop) {}

  void resolve(const core::DnsName& /*name*/, dns::Freshness /*freshness*/, dns::AnswerHandler handler,
               dns::Lease /*lease*/) override {
    boost::asio::post(loop_, [handler = std::move(handler)]() mutable {
      handler(std::make_shared<const core::TlsaAnswer>(
          core::TlsaAnswer{core::Failed{core::FailureKind::server_failure, "there is no resolver at present"}, {}}));
    });
  }

  void set_late_answer_handler(dns::LateAnswerHandler /*handler*/) override {}

  void forget(const core::DnsName& /*name*/) override {}

  void forget_all() override {}

  std::size_t in_flight() const noexcept override { return 0; }

private:
  boost::asio::io_context& loop_;
};

} // namespace danegate::service
