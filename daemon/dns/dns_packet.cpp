#include "daemon/dns/dns_packet.h"

#include <arpa/nameser.h>

#include <algorithm>
#include <array>

namespace danegate::dns {

namespace {

/// Length octets are at most 63, below every letter, so the whole name can be folded as one string.
char ascii_lower(std::uint8_t octet) noexcept {
  return static_cast<char>(octet >= 'A' && octet <= 'Z' ? octet - 'A' + 'a' : octet);
}

bool is_plain(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '*';
}

std::size_t label_length(char octet) noexcept {
  return static_cast<std::uint8_t>(octet);
}

std::optional<Record> read_record(const ns_msg& message, const ns_rr& rr) {
  const auto owner = WireName::from_text(ns_rr_name(rr));
  if (!owner) return std::nullopt;

  const std::uint32_t ttl = ns_rr_ttl(rr);
  Record record{.owner = *owner,
                .type = static_cast<std::uint16_t>(ns_rr_type(rr)),
                .ttl = ttl > INT32_MAX ? 0 : ttl,
                .rdata = {ns_rr_rdata(rr), std::size_t{rr.rdlength}},
                .target = {}};
  if (record.type == rrtype::cname || record.type == rrtype::dname) {
    const auto target = WireName::from_message(ns_msg_base(message), ns_msg_end(message), record.rdata.data());
    if (!target) return std::nullopt;
    record.target = *target;
  }
  return record;
}

/// False if a record of the section cannot be read.
bool read_section(ns_msg& message, ns_sect section, std::vector<Record>& records) {
  for (int i = 0; i < ns_msg_count(message, section); ++i) {
    ns_rr rr;
    if (ns_parserr(&message, section, i, &rr) != 0) return false;
    if (ns_rr_class(rr) != ns_c_in) continue;
    auto record = read_record(message, rr);
    if (!record) return false;
    records.push_back(std::move(*record));
  }
  return true;
}

} // namespace

std::optional<WireName> WireName::from_octets(const std::uint8_t* octets, std::size_t size) {
  WireName name;
  name.octets_.resize(size);
  std::transform(octets, octets + size, name.octets_.begin(), ascii_lower);
  return name;
}

std::optional<WireName> WireName::from_text(const char* text) {
  std::array<std::uint8_t, NS_MAXCDNAME> wire{};
  if (ns_name_pton(text, wire.data(), wire.size()) < 0) return std::nullopt;
  std::size_t size = 1;
  while (wire[size - 1] != 0)
    size += wire[size - 1] + 1U; // ns_name_pton wrote a whole name: this ends inside it
  return from_octets(wire.data(), size);
}

std::optional<WireName> WireName::from_message(const std::uint8_t* begin, const std::uint8_t* end,
                                               const std::uint8_t* at) {
  std::array<std::uint8_t, NS_MAXCDNAME> wire{};
  if (ns_name_unpack(begin, end, at, wire.data(), wire.size()) < 0) return std::nullopt;
  std::size_t size = 1;
  while (wire[size - 1] != 0)
    size += wire[size - 1] + 1U;
  return from_octets(wire.data(), size);
}

bool WireName::is_below(const WireName& ancestor) const noexcept {
  if (ancestor.octets_.empty() || octets_.size() <= ancestor.octets_.size()) return false;
  const std::size_t start = octets_.size() - ancestor.octets_.size();
  std::size_t at = 0;
  while (at < start)
    at += label_length(octets_[at]) + 1;
  return at == start && octets_.compare(start, std::string::npos, ancestor.octets_) == 0;
}

std::optional<WireName> WireName::with_suffix(const WireName& from, const WireName& to) const {
  if (!is_below(from)) return std::nullopt;
  const std::size_t kept = octets_.size() - from.octets_.size();
  if (kept + to.octets_.size() > NS_MAXCDNAME) return std::nullopt;
  WireName name;
  name.octets_ = octets_.substr(0, kept) + to.octets_;
  return name;
}

std::string WireName::text() const {
  std::string text;
  for (std::size_t at = 0; at < octets_.size() && octets_[at] != 0; at += label_length(octets_[at]) + 1) {
    if (at > 0) text += '.';
    for (const char c : std::string_view(octets_).substr(at + 1, label_length(octets_[at])))
      text += is_plain(c) ? c : '?';
  }
  return text;
}

std::optional<SignatureFields> signature_fields(const Record& record) noexcept {
  constexpr std::size_t fixed_part = 18;
  if (record.type != rrtype::rrsig || record.rdata.size() <= fixed_part) return std::nullopt;
  return SignatureFields{.covers = static_cast<std::uint16_t>(ns_get16(record.rdata.data())),
                         .labels = record.rdata[3],
                         .original_ttl = static_cast<std::uint32_t>(ns_get32(record.rdata.data() + 4)),
                         .expiration = static_cast<std::uint32_t>(ns_get32(record.rdata.data() + 8))};
}

std::uint32_t denial_ttl(const Record& soa) noexcept {
  constexpr std::size_t smallest = 22; // two root names and five 32-bit fields, MINIMUM the last
  if (soa.type != rrtype::soa || soa.rdata.size() < smallest) return 0;
  const auto minimum = static_cast<std::uint32_t>(ns_get32(soa.rdata.data() + soa.rdata.size() - NS_INT32SZ));
  return std::min(soa.ttl, minimum);
}

std::optional<Packet> Packet::parse(core::ByteView octets) {
  if (octets.size() > max_packet) return std::nullopt;
  ns_msg message;
  if (ns_initparse(octets.data(), static_cast<int>(octets.size()), &message) != 0) return std::nullopt;
  if (ns_msg_getflag(message, ns_f_qr) == 0 || ns_msg_getflag(message, ns_f_tc) != 0) return std::nullopt;
  if (ns_msg_count(message, ns_s_qd) != 1) return std::nullopt;

  Packet packet;
  packet.rcode = static_cast<unsigned>(ns_msg_getflag(message, ns_f_rcode));
  ns_rr question;
  if (ns_parserr(&message, ns_s_qd, 0, &question) != 0) return std::nullopt;
  const auto name = WireName::from_text(ns_rr_name(question));
  if (!name) return std::nullopt;
  packet.question = *name;
  packet.question_type = static_cast<std::uint16_t>(ns_rr_type(question));
  if (!read_section(message, ns_s_an, packet.answer) || !read_section(message, ns_s_ns, packet.authority))
    return std::nullopt;
  return packet;
}

} // namespace danegate::dns
