// milter_load [--sessions N] [--seconds S] [--warm-up S] ENDPOINT FILE: milter sessions, one after the other on each of
// N threads (default 8), each on a connection of its own, as a mail server's processes have them.
//
// FILE is one session: a line an event, "NAME MACROS COMMAND", the latter two the frames of its macros and of its
// command in hexadecimal ("-" where there are none). NAME is one of connect, helo, mail, rcpt, quit. The negotiation
// goes before it. An event that the filter does not want is left out, and no reply is awaited where it has said that
// there is none.
//
// Prints one line of JSON: rate (sessions a second), and quantiles of a session's time in microseconds. Exit status 1
// where the filter answers anything but "continue".
#include "tests/bench/latencies.h"
#include "tests/bench/sockets.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <mutex>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using danegate::bench::die;
using danegate::bench::now;

constexpr std::uint64_t second = 1'000'000'000U;

/// What leaves an event out, and what spares its reply (SMFIP_ of libmilter's mfdef.h).
struct Kind {
  std::string_view name;
  std::uint32_t unwanted;
  std::uint32_t unanswered;
};

constexpr std::array<Kind, 5> kinds{{{"connect", 0x1, 0x1000},
                                     {"helo", 0x2, 0x2000},
                                     {"mail", 0x4, 0x4000},
                                     {"rcpt", 0x8, 0x8000},
                                     {"quit", 0, 0xffffffff}}};

struct Event {
  Kind kind;
  std::string octets; ///< macros and command, sent as one
};

std::string from_hex(const std::string& text) {
  std::string octets;
  if (text == "-") return octets;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    octets += static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16));
  return octets;
}

std::vector<Event> read_session(const char* path) {
  std::ifstream file(path);
  std::vector<Event> events;
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    std::string macros;
    std::string command;
    if (!(words >> name >> macros >> command)) die(path);
    const auto* const kind = std::ranges::find(kinds, name, &Kind::name);
    if (kind == kinds.end()) die(path);
    events.push_back({*kind, from_hex(macros) + from_hex(command)});
  }
  if (events.empty()) die(path);
  return events;
}

class Session {
public:
  explicit Session(const std::string& endpoint) : descriptor_(danegate::bench::connect_to(endpoint)) {}

  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  ~Session() { ::close(descriptor_); }

  void play(const std::vector<Event>& events) {
    // SMFIC_OPTNEG: version 6, every action, every protocol flag, as Postfix and Sendmail offer them.
    using namespace std::string_view_literals;
    send("\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff"sv);
    const std::string answer = receive();
    if (answer.size() < 13 || answer[0] != 'O') die("negotiation");
    std::uint32_t flags = 0;
    for (std::size_t i = 9; i < 13; ++i)
      flags = (flags << 8U) | static_cast<unsigned char>(answer[i]);
    for (const Event& event : events) {
      if ((flags & event.kind.unwanted) != 0) continue;
      send(event.octets);
      const bool answered = event.kind.name != "quit" && (flags & event.kind.unanswered) == 0;
      if (answered && receive() != "c") {
        std::fprintf(stderr, "the filter refused %s\n", event.kind.name.data());
        std::exit(1);
      }
    }
  }

private:
  void send(std::string_view octets) const {
    if (::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(octets.size()))
      die("send");
  }

  /// The next frame, without its length.
  std::string receive() {
    while (true) {
      if (pending_.size() >= 4) {
        std::size_t length = 0;
        for (std::size_t i = 0; i < 4; ++i)
          length = (length << 8U) | static_cast<unsigned char>(pending_[i]);
        if (pending_.size() >= 4 + length) {
          std::string frame = pending_.substr(4, length);
          pending_.erase(0, 4 + length);
          return frame;
        }
      }
      std::array<char, 4096> room{};
      const ssize_t got = ::recv(descriptor_, room.data(), room.size(), 0);
      if (got <= 0) die("closed");
      pending_.append(room.data(), static_cast<std::size_t>(got));
    }
  }

  int descriptor_;
  std::string pending_;
};

} // namespace

int main(int argc, char** argv) {
  std::size_t sessions = 8;
  double seconds = 3;
  double warm_up = 0.5;
  std::vector<std::string> words;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--sessions" && i + 1 < argc)
      sessions = std::stoul(argv[++i]);
    else if (word == "--seconds" && i + 1 < argc)
      seconds = std::stod(argv[++i]);
    else if (word == "--warm-up" && i + 1 < argc)
      warm_up = std::stod(argv[++i]);
    else
      words.emplace_back(word);
  }
  if (words.size() != 2 || words[0].starts_with("--")) {
    std::fputs("usage: milter_load [--sessions N] [--seconds S] [--warm-up S] ENDPOINT FILE\n", stderr);
    return 64;
  }
  const auto events = read_session(words[1].c_str());

  const auto from = now() + static_cast<std::uint64_t>(warm_up * second);
  const auto end = from + static_cast<std::uint64_t>(seconds * second);
  std::mutex mutex; // of times
  danegate::bench::Latencies times;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < sessions; ++i) {
    threads.emplace_back([&] {
      while (now() < end) {
        const auto begun = now();
        Session(words[0]).play(events);
        const auto finished = now();
        if (begun < from || finished >= end) continue;
        const std::scoped_lock lock(mutex);
        times.note(finished - begun);
      }
    });
  }
  for (auto& thread : threads)
    thread.join();
  std::printf(R"({"rate":%.1f,"seconds":%.3f,"replies":%llu,)", static_cast<double>(times.count()) / seconds, seconds,
              static_cast<unsigned long long>(times.count()));
  times.print_json();
  std::puts("}");
}
