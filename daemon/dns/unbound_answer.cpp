#include "daemon/dns/unbound_answer.h"

#include "daemon/dns/dns_packet.h"

#include <algorithm>
#include <expected>
#include <string_view>
#include <utility>
#include <vector>

namespace danegate::dns {

namespace {

using core::Wildcard;
using Records = std::vector<Record>;

constexpr int rcode_noerror = 0;
constexpr int rcode_servfail = 2;
constexpr int rcode_nxdomain = 3;
constexpr int rcode_refused = 5;

/// The way from the name that was asked for to the records, or to where they are missing.
struct Walk {
  WireName end;
  std::chrono::sys_seconds now;
  bool aliased = false;
  std::uint32_t ttl = UINT32_MAX; ///< least of the links
  Wildcard wildcard = Wildcard::none;
  bool all_signed = true;                      ///< every link has a signature whose Labels field is known
  std::optional<std::uint32_t> signatures_end; ///< earliest of the links
  std::vector<const Record*> tlsa;
};

const Record* find(const Records& records, const WireName& owner, std::uint16_t type) {
  const auto found = std::ranges::find_if(records, [&](const Record& r) { return r.type == type && r.owner == owner; });
  return found == records.end() ? nullptr : &*found;
}

/// The Labels field of the signatures over this record set; nullopt if there is none, or if they differ: libunbound
/// does not take such a set for secure, so there is no telling which one it went by.
std::optional<std::uint8_t> signed_labels(const Records& records, const WireName& owner, std::uint16_t type) {
  std::optional<std::uint8_t> labels;
  for (const Record& record : records) {
    if (record.type != rrtype::rrsig || record.owner != owner) continue;
    const auto fields = signature_fields(record);
    if (!fields || fields->covers != type) continue;
    if (labels && *labels != fields->labels) return std::nullopt;
    labels = fields->labels;
  }
  return labels;
}

/// When the signatures over this record set end; nullopt if there is none. See fold().
std::optional<std::uint32_t> signed_until(const Records& records, const WireName& owner, std::uint16_t type,
                                          std::chrono::sys_seconds now) {
  std::optional<std::uint32_t> live;
  std::optional<std::uint32_t> expired;
  for (const Record& record : records) {
    if (record.type != rrtype::rrsig || record.owner != owner) continue;
    const auto fields = signature_fields(record);
    if (!fields || fields->covers != type) continue;
    if (fields->expiration > now.time_since_epoch().count())
      live = std::min(live.value_or(UINT32_MAX), fields->expiration);
    else
      expired = std::max(expired.value_or(0), fields->expiration);
  }
  return live ? live : expired;
}

/// The DNAME that made this CNAME: synthesised CNAMEs are not signed, the DNAME's signature covers them (RFC 6672
/// section 5.3.1).
const Record* find_dname(const Records& records, const Record& cname) {
  const auto found = std::ranges::find_if(records, [&](const Record& r) {
    return r.type == rrtype::dname && cname.owner.with_suffix(r.owner, r.target) == cname.target;
  });
  return found == records.end() ? nullptr : &*found;
}

void note_signature(Walk& walk, const Records& records, const WireName& owner, std::uint16_t type) {
  if (const auto end = signed_until(records, owner, type, walk.now))
    walk.signatures_end = std::min(walk.signatures_end.value_or(UINT32_MAX), *end);
  const auto labels = signed_labels(records, owner, type);
  if (labels)
    walk.wildcard = std::max(walk.wildcard, core::classify_wildcard(owner.text(), *labels));
  else
    walk.all_signed = false;
}

void note_alias(Walk& walk, const Records& records, const Record& cname) {
  walk.aliased = true;
  walk.ttl = std::min(walk.ttl, cname.ttl);
  walk.end = cname.target;
  const auto* const dname = signed_labels(records, cname.owner, rrtype::cname) ? nullptr : find_dname(records, cname);
  if (dname != nullptr) {
    walk.ttl = std::min(walk.ttl, dname->ttl);
    note_signature(walk, records, dname->owner, rrtype::dname);
  } else {
    note_signature(walk, records, cname.owner, rrtype::cname);
  }
}

/// nullopt: more links than max_links.
std::optional<Walk> follow(const Records& records, const WireName& start, std::chrono::sys_seconds now) {
  Walk walk;
  walk.end = start;
  walk.now = now;
  for (std::size_t links = 0; links <= max_links; ++links) {
    for (const Record& record : records)
      if (record.type == rrtype::tlsa && record.owner == walk.end) walk.tlsa.push_back(&record);
    if (!walk.tlsa.empty()) {
      for (const Record* record : walk.tlsa)
        walk.ttl = std::min(walk.ttl, record->ttl);
      note_signature(walk, records, walk.end, rrtype::tlsa);
      return walk;
    }
    const Record* const cname = find(records, walk.end, rrtype::cname);
    if (cname == nullptr) return walk;
    note_alias(walk, records, *cname);
  }
  return std::nullopt;
}

/// How long the whole answer holds. A denial without an SOA record holds no time at all.
std::chrono::seconds lifetime(const Walk& walk, const Packet& packet) {
  if (!walk.tlsa.empty()) return std::chrono::seconds(walk.ttl);
  const auto soa = std::ranges::find(packet.authority, rrtype::soa, &Record::type);
  if (soa == packet.authority.end()) return std::chrono::seconds(0);
  return std::chrono::seconds(std::min(walk.ttl, denial_ttl(*soa)));
}

/// True unless every signed record set has the TTL that its zone gave it. What counts down, or was cut to dns.max-ttl,
/// may have lain in a cache; without signatures there is no telling.
bool is_aged(const Packet& packet) {
  bool any_signature = false;
  for (const auto* section : {&packet.answer, &packet.authority}) {
    for (const Record& record : *section) {
      const auto fields = signature_fields(record);
      if (!fields) continue;
      any_signature = true;
      if (record.ttl < fields->original_ttl) return true;
    }
  }
  return !any_signature;
}

/// The zone whose NSEC3 records say that its denials leave out unsigned delegations; empty if there is no such thing.
/// Behind an alias nothing is claimed: which of the links made the answer insecure cannot be seen.
std::string find_opt_out_zone(const Walk& walk, const Packet& packet) {
  constexpr std::uint8_t opt_out_flag = 1; // RFC 5155 section 3.1.2.1, second octet of the record
  if (walk.aliased || !walk.tlsa.empty()) return {};
  const auto soa = std::ranges::find(packet.authority, rrtype::soa, &Record::type);
  if (soa == packet.authority.end() || !packet.question.is_below(soa->owner)) return {};
  const bool opts_out = std::ranges::any_of(packet.authority, [&](const Record& r) {
    return r.type == rrtype::nsec3 && r.rdata.size() > 1 && (r.rdata[1] & opt_out_flag) != 0 &&
           r.owner.is_below(soa->owner) && signed_labels(packet.authority, r.owner, rrtype::nsec3);
  });
  const bool soa_signed = signed_labels(packet.authority, soa->owner, rrtype::soa).has_value();
  if (!opts_out || !soa_signed) return {};
  return soa->owner.text(); // a name with other octets than ours cannot be an ancestor of the question
}

core::TlsaAnswer failed(std::string why) {
  return {core::Failed{core::FailureKind::server_failure, std::move(why)}, {}};
}

core::Secure read_records(const Walk& walk) {
  core::Secure secure;
  secure.wildcard = walk.wildcard;
  for (const Record* record : walk.tlsa) {
    auto parsed = core::TlsaRecord::from_rdata(record->rdata);
    if (parsed)
      secure.records.push_back(std::move(*parsed));
    else
      ++secure.malformed;
  }
  return secure;
}

std::string error_text(int rcode) {
  if (rcode == rcode_servfail) return "SERVFAIL: no usable answer from the zone's servers";
  if (rcode == rcode_refused) return "REFUSED";
  return "DNS error code " + std::to_string(rcode);
}

std::optional<std::chrono::sys_seconds> end_of(const Walk& walk) {
  if (!walk.signatures_end) return std::nullopt;
  return std::chrono::sys_seconds(std::chrono::seconds(*walk.signatures_end));
}

FoldedAnswer fold_packet(const Packet& packet, const UnboundReply& reply, std::chrono::sys_seconds now) {
  const auto walk = follow(packet.answer, packet.question, now);
  if (!walk) return {failed("too many aliases"), {}};
  const bool found = !walk->tlsa.empty();
  if (found != reply.havedata || (found && reply.nxdomain)) return {failed("libunbound contradicts its packet"), {}};

  const auto ttl = lifetime(*walk, packet);
  const bool aged = is_aged(packet);
  if (!reply.secure) return {{core::Insecure{}, ttl, aged}, find_opt_out_zone(*walk, packet)};
  if (!found) return {{core::Absent{}, ttl, aged}, {}};
  // Whether a wildcard made it cannot be known then. Calling it a wildcard would refuse, calling it none might admit.
  if (!walk->all_signed) return {failed("secure answer without its signatures"), {}};
  return {{read_records(*walk), ttl, aged, end_of(*walk)}, {}};
}

} // namespace

FoldedAnswer fold(const core::DnsName& name, const UnboundReply& reply, std::chrono::sys_seconds now) {
  if (!reply.error.empty()) return {failed(reply.error), {}};
  if (reply.bogus) {
    const std::string_view why = reply.why_bogus.empty() ? "validation failed" : std::string_view(reply.why_bogus);
    return {{core::Bogus{std::string(why.substr(0, max_why))}, {}}, {}};
  }
  if (reply.rcode != rcode_noerror && reply.rcode != rcode_nxdomain) return {failed(error_text(reply.rcode)), {}};

  const auto packet = Packet::parse(reply.packet);
  const auto asked = WireName::from_text(name.text().c_str());
  const bool about_it = packet && asked && packet->question == *asked && packet->question_type == rrtype::tlsa &&
                        packet->rcode == static_cast<unsigned>(reply.rcode);
  if (!about_it) return {failed("unreadable answer from libunbound"), {}};
  return fold_packet(*packet, reply, now);
}

} // namespace danegate::dns
