#include "daemon/dns/unbound_source.h"

#include "daemon/dns/captured_log.h"
#include "daemon/dns/dns_packet.h"
#include "daemon/dns/self_test.h"
#include "daemon/dns/signals_blocked.h"
#include "daemon/dns/trust_anchors.h"
#include "daemon/dns/unbound_options.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <cstdio>
#include <list>
#include <span>
#include <stdexcept>
#include <thread>
#include <utility>

#include <sys/mman.h>
#include <sys/resource.h>
#include <unbound.h>
#include <unistd.h>

namespace danegate::dns {

namespace asio = boost::asio;

namespace {

constexpr int class_in = 1;

/// The nice value that ThreadPriority::low adds to: with 10 a busy thread gets about a tenth of what another one does.
constexpr int low_priority = 10;

template <auto Function>
struct Deleter {
  void operator()(auto* pointer) const noexcept { Function(pointer); }
};

using ContextHandle = std::unique_ptr<ub_ctx, Deleter<ub_ctx_delete>>;
using ResultHandle = std::unique_ptr<ub_result, Deleter<ub_resolve_free>>;

void check(int status, const std::string& what) {
  if (status != UB_NOERROR) throw std::runtime_error("libunbound: " + what + ": " + ub_strerror(status));
}

/// libunbound reads configuration from files only: from one without a name, then.
void load_config(ub_ctx* context, const std::string& text) {
  const int file = ::memfd_create("danegate-upstream", MFD_CLOEXEC);
  if (file < 0) throw std::runtime_error("dns.upstream: memfd_create failed");
  const auto written = ::write(file, text.data(), text.size());
  const int status = ub_ctx_config(context, ("/proc/self/fd/" + std::to_string(file)).c_str());
  ::close(file);
  if (std::cmp_not_equal(written, text.size())) throw std::runtime_error("dns.upstream: short write");
  check(status, "dns.upstream");
}

/// With everything but anchors. `log` gets libunbound's own words; null: nobody does.
ContextHandle make_context(const core::ResolverSettings& settings, std::FILE* log) {
  ContextHandle context(ub_ctx_create());
  if (!context) throw std::runtime_error("libunbound: cannot make a context");
  check(ub_ctx_debugout(context.get(), log), "log"); // it would write to our stderr
  check(ub_ctx_async(context.get(), 1), "async");
  const auto made = make_options(settings);
  for (const auto& [option, value] : made.options)
    check(ub_ctx_set_option(context.get(), option.c_str(), value.c_str()),
          std::string(option).append(" ").append(value));
  for (const auto& [zone, server] : made.stubs)
    check(ub_ctx_set_stub(context.get(), zone.c_str(), server.c_str(), 0),
          std::string("stub zone ").append(zone).append(" ").append(server));
  for (const auto& server : made.forwards)
    check(ub_ctx_set_fwd(context.get(), server.c_str()), "upstream " + server);
  if (!made.tls_forwards.empty()) load_config(context.get(), made.tls_forwards);
  if (settings.system_resolvers) check(ub_ctx_resolvconf(context.get(), nullptr), "/etc/resolv.conf");
  return context;
}

void add_anchors(ub_ctx* context, const AnchorSource& source) {
  if (source.automatic) {
    check(ub_ctx_add_ta_autr(context, source.name.c_str()), source.name);
    return;
  }
  for (const auto& anchor : source.anchors)
    check(ub_ctx_add_ta(context, anchor.line.c_str()), source.name);
}

/// Makes libunbound apply its settings now, and say so if it cannot, instead of at the first query. (Any change of the
/// local zones does; this one removes a zone that is not there.)
int finalize(ub_ctx* context) {
  return ub_ctx_zone_remove(context, "danegate.invalid.");
}

extern "C" void danegate_drop_answer(void*, int, ub_result* raw) noexcept {
  const ResultHandle result(raw);
}

/// Starts libunbound's thread with a question that it answers out of its own head.
int ask_for_localhost(ub_ctx* context) {
  constexpr int type_a = 1;
  const SignalsBlocked mask;
  return ub_resolve_async(context, "localhost", type_a, class_in, nullptr, danegate_drop_answer, nullptr);
}

/// Threads inherit the nice value of the one that starts them, which cannot raise its own again: a passing thread does
/// it. Where the system does not allow it, the priority is the usual one.
int ask_with_low_priority(ub_ctx* context) {
  int status = UB_NOERROR;
  const SignalsBlocked mask;
  std::thread([&] {
    ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + low_priority); // 0: this thread, on Linux
    status = ask_for_localhost(context);
  }).join();
  return status;
}

/// What libunbound only finds out in its thread, it says at start then, and not to every lookup.
void start_thread(ub_ctx* context, const core::ResolverSettings& settings, ThreadPriority priority) {
  const int status = priority == ThreadPriority::low ? ask_with_low_priority(context) : ask_for_localhost(context);
  const bool tls = std::ranges::any_of(settings.upstream, &core::Upstream::tls);
  if (status != UB_NOERROR && tls)
    throw std::runtime_error("dns.upstream: \"tls:\" needs a libunbound that is built with TLS; Debian 12's is not");
  check(status, "thread");
}

/// Ready for queries.
ContextHandle make_context(const core::ResolverSettings& settings, const std::vector<AnchorSource>& anchors,
                           ThreadPriority priority) {
  auto context = make_context(settings, nullptr);
  for (const auto& source : anchors)
    add_anchors(context.get(), source);
  check(finalize(context.get()), "settings");
  start_thread(context.get(), settings, priority);
  return context;
}

/// The first line without its time stamp: "[1795325856] libunbound[24725:0] error: words".
std::string first_message(std::string_view log) {
  const auto line = log.substr(0, log.find('\n'));
  const auto mark = line.find(": ");
  return std::string(mark == std::string_view::npos ? line : line.substr(mark + 2)).substr(0, max_why);
}

/// What libunbound has against these anchors; empty: nothing. Its log is the only place where it says so. (That log is
/// one for the process: a line of another context may get in.)
std::string objection(const core::ResolverSettings& settings, std::span<const AnchorSource> anchors) {
  CapturedLog log;
  int status = UB_NOERROR;
  {
    const auto context = make_context(settings, log.stream());
    for (const auto& source : anchors)
      add_anchors(context.get(), source);
    status = finalize(context.get());
  } // libunbound has let go of the log
  const auto words = log.take();
  const bool refused = status != UB_NOERROR || words.contains("anchor is ignored");
  if (!refused) return {};
  return words.empty() ? ub_strerror(status) : first_message(words);
}

/// One question to libunbound. Stays at its address: libunbound holds a pointer to it until it calls back, or for as
/// long as the context lives.
struct Query {
  Continuation then;
  std::list<Query>* active;
  std::list<Query>* answered;
  std::list<Query>::iterator place{};
  int error = 0;
  ResultHandle result{};
};

UnboundReply reply_of(const Query& query) {
  UnboundReply reply;
  if (query.error != UB_NOERROR || !query.result) {
    reply.error = std::string("libunbound: ") + ub_strerror(query.error);
    return reply;
  }
  const ub_result& result = *query.result;
  reply.secure = result.secure != 0;
  reply.bogus = result.bogus != 0;
  reply.havedata = result.havedata != 0;
  reply.nxdomain = result.nxdomain != 0;
  reply.rcode = result.rcode;
  if (result.why_bogus != nullptr) reply.why_bogus = result.why_bogus;
  if (result.answer_packet != nullptr && result.answer_len > 0)
    reply.packet = {static_cast<const std::uint8_t*>(result.answer_packet),
                    static_cast<std::size_t>(result.answer_len)};
  return reply;
}

/// The barrier: called by libunbound, on the loop's thread, inside ub_process(). Nothing in here can throw; what the
/// answer means is worked out when ub_process() has returned.
extern "C" void danegate_take_answer(void* argument, int error, ub_result* raw) noexcept {
  ResultHandle result(raw);
  auto& query = *static_cast<Query*>(argument);
  query.error = error;
  query.result = std::move(result);
  query.answered->splice(query.answered->end(), *query.active, query.place);
}

/// Owned by a shared_ptr, since a continuation may end its owner.
class UnboundContext final : public ResolverContext, public std::enable_shared_from_this<UnboundContext> {
public:
  UnboundContext(asio::io_context& loop, ContextHandle handle)
      : loop_(loop), handle_(std::move(handle)), readable_(loop) {
    const int descriptor = ub_fd(handle_.get());
    if (descriptor < 0) throw std::runtime_error("libunbound: no descriptor to wait for");
    readable_.assign(descriptor);
  }

  UnboundContext(const UnboundContext&) = delete;
  UnboundContext& operator=(const UnboundContext&) = delete;

  ~UnboundContext() override { stop(UB_NOERROR); }

  /// Once, before the first ask().
  void wait();
  void ask(const std::string& name, std::uint16_t type, Continuation then) override;
  void give_up() override;

  void close() override { closed_ = true; }

  bool idle() const noexcept override { return active_.empty() && answered_.empty(); }

  bool stopped() const noexcept override { return !handle_; }

private:
  void stop(int error);
  void on_readable();
  void deliver();
  void deliver_later();

  asio::io_context& loop_;
  std::list<Query> active_;   ///< libunbound has them
  std::list<Query> answered_; ///< to be continued by deliver()
  ContextHandle handle_;      ///< goes before the queries that it points to
  asio::posix::stream_descriptor readable_;
  bool closed_ = false;
};

void UnboundContext::wait() {
  readable_.async_wait(asio::posix::stream_descriptor::wait_read,
                       [weak = weak_from_this()](const boost::system::error_code& error) {
                         const auto self = weak.lock();
                         if (self && !error && !self->closed_ && !self->stopped()) self->on_readable();
                       });
}

void UnboundContext::ask(const std::string& name, std::uint16_t type, Continuation then) {
  active_.push_back({.then = std::move(then), .active = &active_, .answered = &answered_});
  auto& query = active_.back();
  query.place = std::prev(active_.end());
  const int status =
      stopped() ? UB_PIPE
                : ub_resolve_async(handle_.get(), name.c_str(), type, class_in, &query, danegate_take_answer, nullptr);
  if (status == UB_NOERROR) return;
  query.error = status;
  answered_.splice(answered_.end(), active_, query.place);
  deliver_later();
}

void UnboundContext::give_up() {
  stop(UB_SERVFAIL);
  deliver_later();
}

/// Ends libunbound's part; what was under way is answered with an error.
void UnboundContext::stop(int error) {
  if (stopped()) return;
  readable_.release(); // the descriptor is libunbound's own
  handle_.reset();     // which calls nobody back
  for (Query& query : active_)
    query.error = error;
  answered_.splice(answered_.end(), active_);
}

void UnboundContext::on_readable() {
  const int status = ub_process(handle_.get());
  if (status == UB_NOERROR)
    wait();
  else
    stop(status); // its thread is gone
  deliver();
}

void UnboundContext::deliver() {
  const auto self = shared_from_this();
  while (!closed_ && !answered_.empty()) {
    std::list<Query> taken;
    taken.splice(taken.end(), answered_, answered_.begin());
    try {
      taken.front().then(reply_of(taken.front()));
    } catch (...) { // the others are still due, whatever the loop makes of this
      deliver_later();
      throw;
    }
  }
}

void UnboundContext::deliver_later() {
  asio::post(loop_, [self = shared_from_this()] { self->deliver(); });
}

LookupEngine::Times times_of(const core::ResolverSettings& settings) {
  return {.timeout = settings.timeout,
          .min_ttl = settings.min_ttl,
          .max_ttl = std::max(settings.max_ttl, settings.negative_max_ttl)};
}

} // namespace

UnboundSource::UnboundSource(asio::io_context& loop, const core::ResolverSettings& settings, WarningHandler warn)
    : loop_(loop) {
  if (const auto good = check_anchors(settings); !good) throw std::runtime_error(good.error());
  const auto anchors = read_anchors(settings);
  if (!anchors) throw std::runtime_error(anchors.error());
  anchor_owners_ = owners_of(*anchors);
  MakeContext make = [&loop, settings,
                      sources = *anchors](ThreadPriority priority) -> std::shared_ptr<ResolverContext> {
    auto context = std::make_shared<UnboundContext>(loop, make_context(settings, sources, priority));
    context->wait();
    return context;
  };
  engine_ = LookupEngine::make(loop, times_of(settings), {.make_context = std::move(make), .warn = std::move(warn)});
}

void UnboundSource::forget(const core::DnsName& name) {
  engine_->forget(name);
}

void UnboundSource::forget_all() {
  engine_->forget_all();
}

UnboundSource::~UnboundSource() {
  engine_->close();
}

void UnboundSource::resolve(const core::DnsName& name, Freshness freshness, AnswerHandler handler, Lease lease) {
  engine_->resolve(name, freshness, std::move(handler), std::move(lease));
}

void UnboundSource::set_late_answer_handler(LateAnswerHandler handler) {
  engine_->set_late_answer_handler(std::move(handler));
}

std::size_t UnboundSource::in_flight() const noexcept {
  return engine_->in_flight();
}

void UnboundSource::self_test(std::function<void(SelfTestReport)> done) {
  const AskForKeys ask = [engine = engine_](const std::string& owner, Continuation then) {
    engine->ask(owner, rrtype::dnskey, std::move(then));
  };
  run_self_test(loop_, anchor_owners_, ask, std::move(done), engine_);
}

std::expected<void, std::string> UnboundSource::check_anchors(const core::ResolverSettings& settings) try {
  const auto sources = read_anchors(settings);
  if (!sources) return std::unexpected(sources.error());
  for (const auto& source : *sources)
    if (const auto words = objection(settings, {&source, 1}); !words.empty())
      return std::unexpected(source.name + ": " + words);
  if (const auto words = objection(settings, *sources); !words.empty())
    return std::unexpected("the trust anchors together: " + words);
  make_context(settings, *sources, ThreadPriority::usual); // which throws if there is something else
  return {};

} catch (const std::runtime_error& error) {

  return std::unexpected(error.what());
}

} // namespace danegate::dns
