// An authoritative server inside the test: answers over UDP on loopback what NSD answered when make.py recorded it, or
// misbehaves. Runs on the test's own loop.
#pragma once

#include "daemon/core/ports.h"
#include "tests/support/vector_table.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace danegate::test {

/// Name in lower case ("." for the root) and type.
using DnsQuestion = std::pair<std::string, std::uint16_t>;

inline constexpr std::size_t dns_header = 12;
inline constexpr std::uint16_t type_dnskey = 48;
inline constexpr std::uint16_t type_tlsa = 52;

/// The question of a well-formed query, which is all that libunbound sends, and where it ends.
inline std::pair<DnsQuestion, std::size_t> question_of(const core::Bytes& message) {
  std::string name;
  std::size_t at = dns_header;
  while (message.at(at) != 0) {
    if (!name.empty()) name += '.';
    for (std::size_t i = at + 1; i <= at + message[at]; ++i) {
      const auto octet = message.at(i);
      name += static_cast<char>(octet >= 'A' && octet <= 'Z' ? octet - 'A' + 'a' : octet);
    }
    at += message[at] + 1U;
  }
  const auto type = static_cast<std::uint16_t>(message.at(at + 1) << 8 | message.at(at + 2));
  return {{name.empty() ? "." : name, type}, at + 5};
}

/// A reply without records.
inline core::Bytes error_reply(const core::Bytes& message, std::uint8_t rcode) {
  core::Bytes reply(message.begin(), message.begin() + static_cast<std::ptrdiff_t>(question_of(message).second));
  reply[2] = static_cast<std::uint8_t>((reply[2] & 1U) | 0x84U);
  reply[3] = rcode;
  std::fill(reply.begin() + 6, reply.begin() + dns_header, std::uint8_t{0});
  return reply;
}

enum class Conduct : std::uint8_t {
  answers,    ///< as recorded; what was not recorded gets SERVFAIL
  holds,      ///< as recorded, but TLSA questions wait for release()
  holds_keys, ///< as recorded, but DNSKEY questions do
  is_silent,
  servfail,
  refused,
  garbage,
};

class RecordedAuthority {
public:
  RecordedAuthority(boost::asio::io_context& loop, Conduct conduct);

  std::uint16_t port() const { return socket_.local_endpoint().port(); }

  void set(Conduct conduct) { conduct_ = conduct; }

  /// Answers what was held, and from now on everything.
  void release();

  /// How often this TLSA question came.
  std::size_t tlsa_questions(const std::string& name) const;

  /// Puts `ttl` into the first record of the answer to a TLSA question. (Only an unsigned zone bears that.)
  void change_ttl(const std::string& name, std::uint8_t ttl);

private:
  struct Held {
    core::Bytes message;
    boost::asio::ip::udp::endpoint client;
  };

  void receive();
  void take(const core::Bytes& message, const boost::asio::ip::udp::endpoint& client);
  core::Bytes reply_to(const core::Bytes& message, const DnsQuestion& question) const;

  Conduct conduct_;
  std::map<DnsQuestion, core::Bytes> answers_;
  std::map<std::string, std::size_t> tlsa_questions_;
  std::vector<Held> held_;
  boost::asio::ip::udp::socket socket_;
  boost::asio::ip::udp::endpoint client_;
  std::array<std::uint8_t, 4096> buffer_{};
};

inline RecordedAuthority::RecordedAuthority(boost::asio::io_context& loop, Conduct conduct)
    : conduct_(conduct), socket_(loop, boost::asio::ip::udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
  for (const auto& row : read_table("dns/authority.txt", 3))
    answers_[{row[0], static_cast<std::uint16_t>(std::stoi(row[1]))}] = from_hex(row[2]);
  receive();
}

inline void RecordedAuthority::receive() {
  socket_.async_receive_from(boost::asio::buffer(buffer_), client_,
                             [this](const boost::system::error_code& error, std::size_t size) {
                               if (error) return;
                               take({buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(size)}, client_);
                               receive();
                             });
}

inline void RecordedAuthority::take(const core::Bytes& message, const boost::asio::ip::udp::endpoint& client) {
  const auto question = question_of(message).first;
  if (question.second == type_tlsa) ++tlsa_questions_[question.first];
  if (conduct_ == Conduct::is_silent) return;
  if ((conduct_ == Conduct::holds && question.second == type_tlsa) ||
      (conduct_ == Conduct::holds_keys && question.second == type_dnskey)) {
    held_.push_back({message, client});
    return;
  }
  socket_.send_to(boost::asio::buffer(reply_to(message, question)), client);
}

inline core::Bytes RecordedAuthority::reply_to(const core::Bytes& message, const DnsQuestion& question) const {
  constexpr std::uint8_t rcode_servfail = 2, rcode_refused = 5;
  if (conduct_ == Conduct::servfail) return error_reply(message, rcode_servfail);
  if (conduct_ == Conduct::refused) return error_reply(message, rcode_refused);
  if (conduct_ == Conduct::garbage) {
    auto noise = message;
    noise[2] |= 0x80;
    std::fill(noise.begin() + 4, noise.end(), std::uint8_t{0xC1});
    return noise;
  }
  const auto found = answers_.find(question);
  if (found == answers_.end()) return error_reply(message, rcode_servfail);
  auto reply = found->second;
  const auto question_end = static_cast<std::ptrdiff_t>(question_of(message).second);
  std::copy(message.begin(), message.begin() + 2, reply.begin());
  std::copy(message.begin() + dns_header, message.begin() + question_end, reply.begin() + dns_header);
  return reply;
}

inline void RecordedAuthority::release() {
  conduct_ = Conduct::answers;
  for (const auto& each : std::exchange(held_, {}))
    socket_.send_to(boost::asio::buffer(reply_to(each.message, question_of(each.message).first)), each.client);
}

inline std::size_t RecordedAuthority::tlsa_questions(const std::string& name) const {
  const auto found = tlsa_questions_.find(name);
  return found == tlsa_questions_.end() ? 0 : found->second;
}

inline void RecordedAuthority::change_ttl(const std::string& name, std::uint8_t ttl) {
  auto& packet = answers_.at({name, type_tlsa});
  constexpr std::array<std::uint8_t, 4> tlsa_in{0, 52, 0, 1};
  const auto record = std::find_end(packet.begin(), packet.end(), tlsa_in.begin(), tlsa_in.end());
  if (record == packet.end()) throw std::runtime_error("no TLSA record recorded for " + name);
  std::fill(record + 4, record + 7, std::uint8_t{0});
  *(record + 7) = ttl;
}

} // namespace danegate::test
