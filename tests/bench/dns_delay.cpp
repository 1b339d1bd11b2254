// dns_delay ADDRESS SERVER MILLISECONDS: an authoritative server that is far away. Takes UDP questions at ADDRESS, port
// 53, has SERVER (port 53) answer them, and hands each answer back that much after its question came. Ends at SIGTERM.
#include "tests/bench/sockets.h"

#include <array>
#include <cerrno>
#include <cstdint>
#include <queue>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <poll.h>

namespace {

using danegate::bench::die;
using danegate::bench::now;

constexpr std::size_t most = 4096; ///< octets of a message
constexpr std::uint16_t port = 53;

struct Asked {
  sockaddr_in peer{};
  std::uint16_t id = 0;
  std::uint64_t due = 0;
};

struct Answer {
  std::uint64_t due = 0;
  sockaddr_in peer{};
  std::string octets;

  bool operator<(const Answer& other) const noexcept { return due > other.due; } // the earliest on top
};

sockaddr_in address_of(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  if (inet_pton(AF_INET, text, &address.sin_addr) != 1) die(text);
  return address;
}

int datagram_socket() {
  const int descriptor = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int octets = 4 << 20;
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  return descriptor;
}

std::uint16_t id_of(const std::array<char, most>& message) noexcept {
  return static_cast<std::uint16_t>((static_cast<unsigned char>(message[0]) << 8U) |
                                    static_cast<unsigned char>(message[1]));
}

void set_id(std::array<char, most>& message, std::uint16_t id) noexcept {
  message[0] = static_cast<char>(id >> 8U);
  message[1] = static_cast<char>(id & 0xffU);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: dns_delay ADDRESS SERVER MILLISECONDS\n", stderr);
    return 64;
  }
  const sockaddr_in here = address_of(argv[1]);
  const sockaddr_in server = address_of(argv[2]);
  const auto delay = static_cast<std::uint64_t>(std::stod(argv[3]) * 1e6);
  const int front = datagram_socket();
  const int back = datagram_socket();
  if (::bind(front, reinterpret_cast<const sockaddr*>(&here), sizeof here) < 0) die("bind");
  if (::connect(back, reinterpret_cast<const sockaddr*>(&server), sizeof server) < 0) die("connect");

  std::unordered_map<std::uint16_t, Asked> asked;
  std::priority_queue<Answer> waiting;
  std::uint16_t next = 0;
  std::array<char, most> message{};
  std::array<pollfd, 2> ready{{{front, POLLIN, 0}, {back, POLLIN, 0}}};
  while (true) {
    timespec timeout{1, 0};
    if (!waiting.empty()) {
      const std::uint64_t time = now();
      const std::uint64_t left = waiting.top().due > time ? waiting.top().due - time : 0;
      timeout = {static_cast<time_t>(left / 1'000'000'000U), static_cast<long>(left % 1'000'000'000U)};
    }
    if (::ppoll(ready.data(), ready.size(), &timeout, nullptr) < 0 && errno != EINTR) die("ppoll");
    Asked one;
    socklen_t length = sizeof one.peer;
    ssize_t got = 0;
    while ((got = ::recvfrom(front, message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&one.peer),
                             &length)) >= 12) {
      one.id = id_of(message);
      one.due = now() + delay;
      asked[++next] = one;
      set_id(message, next);
      if (::send(back, message.data(), static_cast<std::size_t>(got), 0) < 0) die("send");
      length = sizeof one.peer;
    }
    while ((got = ::recv(back, message.data(), message.size(), 0)) >= 12) {
      const auto found = asked.find(id_of(message));
      if (found == asked.end()) continue;
      set_id(message, found->second.id);
      waiting.push({found->second.due, found->second.peer, {message.data(), static_cast<std::size_t>(got)}});
      asked.erase(found);
    }
    while (!waiting.empty() && waiting.top().due <= now()) {
      const Answer& answer = waiting.top();
      ::sendto(front, answer.octets.data(), answer.octets.size(), 0, reinterpret_cast<const sockaddr*>(&answer.peer),
               sizeof answer.peer);
      waiting.pop();
    }
  }
}
