#include "milter/adapter.h"

#include "daemon/core/auth_results_field.h"
#include "daemon/service/signal_block.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/// libmilter starts a thread that waits for SIGHUP, SIGTERM and SIGINT with sigwait(), and stops for good when it gets
/// one. They are the loop's, and mostly the kernel gives them to the main thread; but while that has them blocked (it
/// starts a thread, say) the one that waits for them is next, and a reload would end the daemon. libmilter's is the
/// only sigwait() in the process, and finds this one before the C library's: it waits with every signal blocked, for
/// ever.
extern "C" int sigwait(const sigset_t* /*set*/, int* /*number*/) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  for (;;)
    ::pause();
}

namespace danegate::milter {

namespace {

using config::LogLevel;

/// What the callbacks work with: set once by start(), before libmilter runs, and never destroyed.
struct Shared {
  Conversation::Parts parts;
  std::function<void()> ended;
  std::atomic<std::size_t> connections = 0;
  std::atomic<std::size_t> messages = 0;
  std::atomic<bool> stopping = false;
};

// libmilter's callbacks have no argument for it, and there is one filter to a process.
Shared* shared = nullptr;         // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)
std::atomic<bool> opened = false; // NOLINT(cppcoreguidelines-avoid-non-const-global-variables)

/// One connection: libmilter's private pointer. Its callbacks come one after the other, on any thread.
struct Connection {
  explicit Connection(const Conversation::Parts& parts) : conversation(parts) { ++shared->connections; }

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  ~Connection() {
    count(false);
    --shared->connections;
  }

  /// Keeps Shared::messages.
  void count(bool in_message) noexcept {
    if (in_message == counted) return;
    counted = in_message;
    in_message ? ++shared->messages : --shared->messages;
  }

  Conversation conversation;
  bool counted = false;
};

Connection* connection_of(SMFICTX* context) {
  return static_cast<Connection*>(smfi_getpriv(context));
}

Connection& existing(SMFICTX* context) {
  Connection* const connection = connection_of(context);
  if (connection == nullptr) throw std::logic_error("an event of a connection that was never made");
  return *connection;
}

Macros macros_of(SMFICTX* context) {
  return [context](const char* name) -> std::string {
    std::string copy(name); // libmilter wants text that it could change
    const char* const value = smfi_getsymval(context, copy.data());
    return value == nullptr ? std::string() : std::string(value);
  };
}

void log_failure(std::string_view stage, std::string_view error) noexcept {
  try {
    shared->parts.log->event_limited("milter-failure", LogLevel::error, "milter-failure",
                                     "an event could not be handled; the mail server is told to try again later",
                                     {{"stage", stage}, {"error", error}});
  } catch (...) { // NOLINT(bugprone-empty-catch): nobody is left to tell
  }
}

/// The one barrier between C++ and libmilter: nothing gets through it, and no failure lets mail pass.
template <class Body>
sfsistat guarded(std::string_view stage, const Body& body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    log_failure(stage, error.what());
  } catch (...) {
    log_failure(stage, "an exception of unknown type");
  }
  return SMFIS_TEMPFAIL;
}

/// Hands over a refusal; a percent sign in a reply would be taken for the beginning of something.
sfsistat refuse(SMFICTX* context, const core::Refusal& refusal) {
  std::string code(refusal.code);
  std::string enhanced(refusal.enhanced);
  std::string words = refusal.words;
  for (std::size_t at = words.find('%'); at != std::string::npos; at = words.find('%', at + 2))
    words.insert(at, 1, '%');
  const bool permanent = code.starts_with('5');
  if (smfi_setreply(context, code.data(), enhanced.data(), words.data()) != MI_SUCCESS)
    log_failure("reply", "libmilter does not take the reply's text");
  return permanent ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

Peer peer_of(const char* host, const sockaddr* address) {
  Peer peer;
  if (host != nullptr) peer.host = host;
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address == nullptr) return peer;
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    if (::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size()) == nullptr) return peer;
    peer.port = ntohs(v4.sin_port);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    if (::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size()) == nullptr) return peer;
    peer.port = ntohs(v6.sin6_port);
  }
  peer.address = core::IpAddress::parse(text.data());
  return peer;
}

/// Each connection costs memory here, and a descriptor of libmilter's.
bool is_full() {
  const auto& parts = shared->parts;
  if (shared->connections < parts.session.config()->limits.milter_connections) return false;
  if (parts.bound_met) parts.bound_met(service::Bound::milter_connections);
  return true;
}

void forget(SMFICTX* context) noexcept {
  const std::unique_ptr<Connection> connection(connection_of(context));
  smfi_setpriv(context, nullptr);
}

// ---- callbacks, in the order of a dialogue

// NOLINTNEXTLINE(readability-function-size): libmilter's signature
sfsistat on_negotiate(SMFICTX* context, unsigned long actions, unsigned long steps, unsigned long /*unused*/,
                      unsigned long /*unused*/, unsigned long* wanted_actions, unsigned long* wanted_steps,
                      unsigned long* wanted_2, unsigned long* wanted_3) noexcept {
  return guarded("negotiate", [&] {
    constexpr unsigned long needed = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
    if ((actions & needed) != needed) throw std::runtime_error("the mail server's milter protocol is too old");
    // Every event but the first gets a reply: the mail server must not ask the policy service before we have seen
    // connect, HELO and MAIL, and a header that could not be handled must not be passed over. That HELO is answered
    // says that connect was seen. (libmilter replies for us where the mail server wants a reply to that, too.)
    if ((steps & SMFIP_NR_CONN) == 0) throw std::runtime_error("libmilter's protocol is too old");
    *wanted_actions = needed;
    *wanted_steps = steps & (SMFIP_NR_CONN | SMFIP_NOBODY | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NOEOH);
    *wanted_2 = *wanted_3 = 0;
    for (std::size_t stage = 0; stage < macro_lists.size(); ++stage) {
      std::string list(macro_lists[stage]);
      if (smfi_setsymlist(context, static_cast<int>(stage), list.data()) != MI_SUCCESS)
        throw std::runtime_error("libmilter does not take a list of macros");
    }
    return SMFIS_CONTINUE;
  });
}

/// No reply is given here: who is turned away hears of it at HELO, or at MAIL.
sfsistat on_connect(SMFICTX* context, char* host, _SOCK_ADDR* address) noexcept {
  const sfsistat status = guarded("connect", [&] {
    if (shared->stopping) return SMFIS_TEMPFAIL;
    Connection* connection = connection_of(context);
    if (connection == nullptr) {
      if (is_full()) return SMFIS_TEMPFAIL;
      auto made = std::make_unique<Connection>(shared->parts);
      if (smfi_setpriv(context, made.get()) != MI_SUCCESS) throw std::runtime_error("libmilter keeps no pointer");
      connection = made.release(); // on_close() deletes it
    }
    connection->conversation.session().connect(peer_of(host, address), macros_of(context));
    return SMFIS_CONTINUE;
  });
  if (status != SMFIS_CONTINUE) forget(context);
  return SMFIS_NOREPLY;
}

// NOLINTNEXTLINE(readability-non-const-parameter): libmilter's signature
sfsistat on_helo(SMFICTX* context, char* name) noexcept {
  return guarded("helo", [&] {
    Connection* const connection = connection_of(context);
    if (connection == nullptr) return SMFIS_TEMPFAIL;
    connection->conversation.session().helo(name == nullptr ? "" : name, macros_of(context));
    connection->count(false);
    return SMFIS_CONTINUE;
  });
}

sfsistat on_mail(SMFICTX* context, char** arguments) noexcept {
  return guarded("mail", [&] {
    Connection* const connection = connection_of(context);
    if (connection == nullptr || shared->stopping) return SMFIS_TEMPFAIL;
    connection->conversation.session().mail(arguments[0], macros_of(context));
    connection->count(true);
    return SMFIS_CONTINUE;
  });
}

sfsistat on_rcpt(SMFICTX* context, char** arguments) noexcept {
  return guarded("rcpt", [&] {
    const auto refusal = existing(context).conversation.rcpt(arguments[0], macros_of(context));
    return refusal ? refuse(context, *refusal) : SMFIS_CONTINUE;
  });
}

// NOLINTNEXTLINE(readability-non-const-parameter): libmilter's signature
sfsistat on_header(SMFICTX* context, char* name, char* value) noexcept {
  return guarded("header", [&] {
    existing(context).conversation.session().header(name, value);
    return SMFIS_CONTINUE;
  });
}

/// All or nothing: a message that could not be changed as it has to be is not let through.
void change(SMFICTX* context, const Ending& ending) {
  std::string name(core::auth_results_name);
  for (const unsigned count : ending.remove)
    if (smfi_chgheader(context, name.data(), static_cast<int>(count), nullptr) != MI_SUCCESS)
      throw std::runtime_error("a field could not be deleted");
  std::string field = ending.field;
  if (!field.empty() && smfi_insheader(context, 0, name.data(), field.data()) != MI_SUCCESS)
    throw std::runtime_error("the field could not be added");
  if (!ending.quarantine) return;
  std::string why = *ending.quarantine;
  if (smfi_quarantine(context, why.data()) != MI_SUCCESS) throw std::runtime_error("the message could not be held");
}

sfsistat on_end_of_message(SMFICTX* context) noexcept {
  return guarded("end of message", [&] {
    Connection& connection = existing(context);
    const Ending ending = connection.conversation.end_of_message(macros_of(context));
    if (!ending.refusal) change(context, ending);
    connection.count(false);
    return ending.refusal ? refuse(context, *ending.refusal) : SMFIS_CONTINUE;
  });
}

sfsistat on_abort(SMFICTX* context) noexcept {
  return guarded("abort", [&] {
    if (Connection* const connection = connection_of(context)) {
      connection->conversation.session().abort();
      connection->count(false);
    }
    return SMFIS_CONTINUE;
  });
}

sfsistat on_close(SMFICTX* context) noexcept {
  return guarded("close", [&] {
    forget(context);
    return SMFIS_CONTINUE;
  });
}

// ---- the library as a whole

smfiDesc description() {
  static std::string name = "danegate"; // libmilter keeps the pointer
  smfiDesc filter{};
  filter.xxfi_name = name.data();
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
  filter.xxfi_connect = on_connect;
  filter.xxfi_helo = on_helo;
  filter.xxfi_envfrom = on_mail;
  filter.xxfi_envrcpt = on_rcpt;
  filter.xxfi_header = on_header;
  filter.xxfi_eom = on_end_of_message;
  filter.xxfi_abort = on_abort;
  filter.xxfi_close = on_close;
  filter.xxfi_negotiate = on_negotiate;
  return filter;
}

/// As libmilter writes addresses.
std::string connection_text(const config::Listen& listen) {
  if (listen.kind == config::Listen::Kind::unix_socket) return "unix:" + listen.address;
  const bool v6 = listen.address.contains(':');
  return (v6 ? "inet6:" : "inet:") + std::to_string(listen.port) + "@" + listen.address;
}

bool bind_by_library(const config::Listen& listen) {
  std::string text = connection_text(listen);
  return smfi_setconn(text.data()) == MI_SUCCESS && smfi_opensocket(false) == MI_SUCCESS;
}

} // namespace

std::expected<std::unique_ptr<Adapter>, std::string> Adapter::open(const config::MilterSettings& settings) {
  if (opened.exchange(true)) throw std::logic_error("libmilter serves one filter to a process");
  if (smfi_register(description()) != MI_SUCCESS) return std::unexpected("libmilter does not take the filter");
  const service::SocketOptions options{.mode = settings.socket_mode, .group = settings.socket_group};
  auto socket = service::bind_through(*settings.listen, options, [&] { return bind_by_library(*settings.listen); });
  if (!socket) return std::unexpected(std::move(socket.error()));
  return std::unique_ptr<Adapter>(new Adapter(std::move(*socket)));
}

void Adapter::start(Conversation::Parts parts, std::function<void()> ended) {
  shared = new Shared{std::move(parts), std::move(ended)}; // for good: workers may run until the process is gone
  const service::SignalBlock blocked;
  std::thread([] {
    smfi_main();
    if (!shared->stopping) shared->ended();
  }).detach();
}

void Adapter::stop() noexcept {
  if (shared != nullptr) shared->stopping = true;
  socket_.close();
}

std::size_t Adapter::connections() const noexcept {
  return shared == nullptr ? 0 : shared->connections.load();
}

std::size_t Adapter::messages() const noexcept {
  return shared == nullptr ? 0 : shared->messages.load();
}

} // namespace danegate::milter
