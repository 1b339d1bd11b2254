// policy_load [options] ENDPOINT FILE: asks a policy server as Postfix's smtpd processes do, and times each reply.
//
//   ENDPOINT         unix:PATH or inet:ADDRESS:PORT
//   FILE             requests, each with its empty line; "@INSTANCE@" becomes another 16 digits each time, as each
//                    message has an instance of its own; they are sent in turn
//   --connections N  connections that ask, one request at a time on each (default 32)
//   --seconds S      for how long, after --warm-up (default 3)
//   --warm-up S      seconds that are not counted (default 0.5)
//   --rate R         open loop: R requests a second, each timed from the moment when it was due, whatever the replies
//                    before it took; without it a closed loop: a connection asks again as soon as it has its reply
//   --beside OTHER   with --rate: a second endpoint, asked at the same rate on as many connections, half an interval
//                    later each time: what the machine does in between befalls both alike
//   --expect ACTION  every reply must be "action=ACTION" (default DUNNO); "*" takes any
//   --count N        ends after N requests instead of after --seconds, and counts them all
//
// In the closed loop each connection has a thread of its own that sleeps in poll() until its reply comes and then reads
// it, as an smtpd process does (timed_read() of its VSTREAM): waking it belongs to the price of a reply. One that slept
// in recv() would be woken a second time by the server's reading of its request, which makes room in its socket. (One
// thread for all is kept awake by a server that is faster than it and has to be woken, for 4 us a reply in a virtual
// machine, by one that is slower: that would compare two different things.) The open loop never sleeps: a timer's slack
// would be told as the server's.
//
// Prints one line of JSON: rate (replies a second), seconds, replies, sent (those not counted included), and quantiles
// of the reply times in microseconds; a second one for the other endpoint. Exit status 1 where a reply is wrong, a
// connection is closed or a reply does not come for 30 seconds.
#include "tests/bench/latencies.h"
#include "tests/bench/sockets.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

namespace {

using danegate::bench::die;
using danegate::bench::now;
using namespace std::string_view_literals;

constexpr auto mark = "@INSTANCE@"sv;
constexpr std::uint64_t second = 1'000'000'000U;
constexpr std::uint64_t patience = 30 * second;

struct Options {
  std::vector<std::string> endpoints;
  std::string file;
  std::size_t connections = 32;
  double seconds = 3;
  double warm_up = 0.5;
  double rate = 0;
  std::uint64_t count = 0;
  std::string expected = "action=DUNNO\n\n";
};

[[noreturn]] void usage() {
  std::fputs("usage: policy_load [--connections N] [--seconds S] [--warm-up S] [--rate R] [--beside OTHER]\n"
             "                   [--expect ACTION] [--count N] ENDPOINT FILE\n",
             stderr);
  std::exit(64);
}

Options parse(int argc, char** argv) {
  Options options;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (!word.starts_with("--")) {
      words.emplace_back(word);
      continue;
    }
    if (i + 1 == argc) usage();
    const char* const value = argv[++i];
    if (word == "--connections")
      options.connections = std::stoul(value);
    else if (word == "--seconds")
      options.seconds = std::stod(value);
    else if (word == "--warm-up")
      options.warm_up = std::stod(value);
    else if (word == "--rate")
      options.rate = std::stod(value);
    else if (word == "--beside")
      options.endpoints.emplace_back(value);
    else if (word == "--count")
      options.count = std::stoul(value);
    else if (word == "--expect")
      options.expected = "action=" + std::string(value) + "\n\n";
    else
      usage();
  }
  if (words.size() != 2 || options.connections == 0) usage();
  if (options.endpoints.size() > (options.rate > 0 ? 1 : 0)) usage();
  if (options.count > 0) options.warm_up = 0;
  options.endpoints.insert(options.endpoints.begin(), words[0]);
  options.file = words[1];
  return options;
}

/// The requests of a file, each cut at its mark.
class Requests {
public:
  explicit Requests(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) die(path.c_str());
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = text.find("\n\n", begin);
      if (end == std::string::npos) break;
      add(std::string_view(text).substr(begin, end + 2 - begin));
      begin = end + 2;
    }
    if (all_.empty()) die("no request");
  }

  /// The request with that number, in `buffer`.
  std::string_view make(std::uint64_t number, std::string& buffer) const {
    const Pieces& pieces = all_[number % all_.size()];
    buffer.assign(pieces.head);
    if (pieces.marked) {
      std::array<char, 17> digits{};
      std::snprintf(digits.data(), digits.size(), "%016llx", static_cast<unsigned long long>(number));
      buffer.append(digits.data(), 16).append(pieces.tail);
    }
    return buffer;
  }

private:
  struct Pieces {
    std::string head;
    std::string tail;
    bool marked = false;
  };

  void add(std::string_view request) {
    const std::size_t at = request.find(mark);
    if (at == std::string_view::npos)
      all_.push_back({std::string(request), {}, false});
    else
      all_.push_back({std::string(request.substr(0, at)), std::string(request.substr(at + mark.size())), true});
  }

  std::vector<Pieces> all_;
};

struct Server;

struct Connection {
  Server* server = nullptr;
  int descriptor = -1;
  std::uint64_t due = 0; ///< when the request that is under way was to be sent
  std::size_t used = 0;
  std::array<char, 1024> reply{};
};

struct Server {
  std::vector<std::unique_ptr<Connection>> connections;
  std::deque<Connection*> free;
  std::deque<std::uint64_t> backlog; ///< when requests were due for which no connection was free
  danegate::bench::Latencies times;
  std::atomic<std::uint64_t> sent = 0;
};

class Load {
public:
  explicit Load(const Options& options)
      : options_(options), requests_(options.file), poll_(::epoll_create1(EPOLL_CLOEXEC)) {
    for (const auto& endpoint : options.endpoints) {
      auto& server = servers_.emplace_back();
      for (std::size_t i = 0; i < options.connections; ++i)
        open(server, endpoint);
    }
  }

  void run() {
    const auto begin = now();
    counted_from_ = begin + static_cast<std::uint64_t>(options_.warm_up * second);
    const auto end = counted_from_ + static_cast<std::uint64_t>(options_.seconds * second);
    last_reply_ = begin;
    if (options_.rate > 0)
      open_loop(begin, end);
    else
      closed_loop(end);
    const double seconds = static_cast<double>((options_.count > 0 ? last_reply_ : end) - counted_from_) / second;
    for (const auto& server : servers_) {
      const std::uint64_t replies = server.times.count();
      std::printf(R"({"rate":%.1f,"seconds":%.4f,"replies":%llu,"sent":%llu,)", static_cast<double>(replies) / seconds,
                  seconds, static_cast<unsigned long long>(replies),
                  static_cast<unsigned long long>(server.sent.load()));
      server.times.print_json();
      std::puts("}");
    }
  }

private:
  /// A thread for each connection, which sleeps until its reply is there.
  void closed_loop(std::uint64_t end) {
    std::vector<std::thread> threads;
    std::vector<danegate::bench::Latencies> times(options_.connections);
    auto& server = servers_.front();
    for (std::size_t i = 0; i < options_.connections; ++i)
      threads.emplace_back([this, end, &one = *server.connections[i], &own = times[i]] { ask_until(end, one, own); });
    for (std::size_t i = 0; i < options_.connections; ++i) {
      threads[i].join();
      server.times.add(times[i]);
    }
    last_reply_ = now();
  }

  void ask_until(std::uint64_t end, Connection& one, danegate::bench::Latencies& times) {
    std::string buffer;
    auto& sent = one.server->sent;
    for (auto begun = now(); true;) {
      const std::uint64_t number = sent++;
      if (options_.count > 0 ? number >= options_.count : begun >= end) {
        --sent;
        break;
      }
      send(one, requests_.make(number, buffer), begun);
      do
        await(one);
      while (!receive(one));
      const auto time = now();
      if (options_.count > 0 || (begun >= counted_from_ && time < end)) times.note(time - begun);
      begun = time;
    }
  }

  void open_loop(std::uint64_t begin, std::uint64_t end) {
    const double interval = static_cast<double>(second) / (options_.rate * static_cast<double>(servers_.size()));
    std::uint64_t number = 0;
    while (true) {
      const auto time = now();
      const auto due = [&] { return begin + static_cast<std::uint64_t>(static_cast<double>(number) * interval); };
      while (due() <= time && due() < end) {
        servers_[number % servers_.size()].backlog.push_back(due());
        ++number;
      }
      bool done = time >= end;
      for (auto& server : servers_) {
        send_what_is_due(server);
        done = done && server.backlog.empty() && server.free.size() == options_.connections;
      }
      if (done) return;
      take_replies(end);
    }
  }

  void send_what_is_due(Server& server) {
    while (!server.backlog.empty() && !server.free.empty()) {
      Connection* const one = server.free.front();
      server.free.pop_front();
      send(*one, requests_.make(server.sent++, buffer_), server.backlog.front());
      server.backlog.pop_front();
    }
  }

  void open(Server& server, const std::string& endpoint) {
    auto fresh = std::make_unique<Connection>();
    fresh->server = &server;
    fresh->descriptor = danegate::bench::connect_to(endpoint);
    if (options_.rate > 0) ::fcntl(fresh->descriptor, F_SETFL, O_NONBLOCK);
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.ptr = fresh.get();
    if (options_.rate > 0 && ::epoll_ctl(poll_, EPOLL_CTL_ADD, fresh->descriptor, &interest) < 0) die("epoll_ctl");
    server.free.push_back(fresh.get());
    server.connections.push_back(std::move(fresh));
  }

  static void send(Connection& one, std::string_view request, std::uint64_t due) {
    one.due = due;
    one.used = 0;
    if (::send(one.descriptor, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
      die("send");
  }

  static void await(const Connection& one) {
    pollfd ready{.fd = one.descriptor, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, static_cast<int>(patience / (second / 1000))) != 1) die("no reply for 30 seconds");
  }

  /// True if the reply is whole; it is the expected one then.
  bool receive(Connection& one) {
    const ssize_t got = ::recv(one.descriptor, one.reply.data() + one.used, one.reply.size() - one.used, 0);
    if (got < 0 && errno == EAGAIN && options_.rate > 0) return false;
    if (got <= 0) die("no reply");
    one.used += static_cast<std::size_t>(got);
    const std::string_view reply(one.reply.data(), one.used);
    if (!reply.ends_with("\n\n")) return false;
    if (reply != options_.expected && options_.expected != "action=*\n\n") {
      std::fprintf(stderr, "expected %s got %.*s", options_.expected.c_str(), static_cast<int>(reply.size()),
                   reply.data());
      std::exit(1);
    }
    return true;
  }

  void take_replies(std::uint64_t end) {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(poll_, events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; ++i) {
      auto& one = *static_cast<Connection*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (!receive(one)) continue;
      last_reply_ = now();
      if (last_reply_ >= counted_from_ && last_reply_ < end) one.server->times.note(last_reply_ - one.due);
      one.server->free.push_back(&one);
    }
    if (count == 0 && now() - last_reply_ > patience) die("no reply for 30 seconds");
  }

  const Options& options_;
  Requests requests_;
  int poll_;
  std::deque<Server> servers_; ///< one, or two that are asked in turn
  std::string buffer_;         ///< of the open loop's request
  std::uint64_t counted_from_ = 0;
  std::uint64_t last_reply_ = 0;
};

} // namespace

int main(int argc, char** argv) {
  const Options options = parse(argc, argv);
  Load(options).run();
}
