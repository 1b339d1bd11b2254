// Any octets as the packet that libunbound hands over, with any word on its security.
//
// First octet: 1 nxdomain, 2 an rcode other than the packet's (its high half). The rest is the packet.
#include "daemon/dns/dns_packet.h"
#include "daemon/dns/unbound_answer.h"
#include "tests/fuzz/require.h"

#include <algorithm>

using namespace danegate;
using namespace danegate::dns;
using test::require;

namespace {

void look_at(const Packet& packet, core::ByteView octets) {
  for (const auto* section : {&packet.answer, &packet.authority})
    for (const Record& record : *section) {
      require(record.rdata.empty() || (record.rdata.data() >= octets.data() &&
                                       record.rdata.data() + record.rdata.size() <= octets.data() + octets.size()),
              "rdata lies within the packet");
      require(record.ttl <= INT32_MAX && denial_ttl(record) <= record.ttl, "a TTL is 31 bits");
      require(record.owner.text().size() <= core::DnsName::max_length, "a name is as long as names are");
      require(!record.owner.is_below(record.owner) && !(WireName() == record.owner), "and not below itself");
      const bool alias = record.type == rrtype::cname || record.type == rrtype::dname;
      require(alias != (record.target == WireName()), "aliases have a target, others do not");
      if (!packet.question.is_below(record.owner)) continue;
      require(!record.owner.is_below(packet.question), "below goes one way");
      require(packet.question.with_suffix(record.owner, record.owner) == packet.question, "a suffix for itself");
    }
}

/// The answer must not be more secure than `reply` says.
void look_at(const FoldedAnswer& folded, const UnboundReply& reply, const std::optional<Packet>& packet) {
  const auto& outcome = folded.answer.outcome;
  const auto ttl = folded.answer.ttl;
  const auto* const secure = std::get_if<core::Secure>(&outcome);
  const bool absent = std::holds_alternative<core::Absent>(outcome);
  if (reply.bogus) require(std::holds_alternative<core::Bogus>(outcome), "bogus stays bogus");
  if (!reply.secure) require(secure == nullptr && !absent, "nothing gets secure here");
  if (!core::is_definite(folded.answer)) return;
  require(packet && packet->rcode == static_cast<unsigned>(reply.rcode), "what is not readable says nothing");
  require(reply.rcode == 0 || reply.rcode == 3, "nor does an error");
  require(ttl.count() >= 0 && ttl.count() <= INT32_MAX, "a TTL is 31 bits");
  if (secure) require(reply.havedata && !secure->records.empty() + secure->malformed > 0, "data is there");
  if (secure) require(secure->records.size() + secure->malformed <= packet->answer.size(), "and came in the packet");
  if (absent) require(!reply.havedata, "what is there is not absent");
  if (folded.opt_out_zone.empty()) return;
  require(std::holds_alternative<core::Insecure>(outcome), "opt-out is insecure until the zone is shown to be secure");
  const auto zone = WireName::from_text(folded.opt_out_zone.c_str());
  require(zone && packet->question.is_below(*zone), "the zone is the name's");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const core::ByteView octets{data + 1, size - 1};
  const auto packet = Packet::parse(octets);
  if (packet) look_at(*packet, octets);
  static const auto usual = core::DnsName::parse("_smtp-client.one.partner.example").value();
  const auto name = packet ? core::DnsName::parse(packet->question.text()).value_or(usual) : usual;
  UnboundReply reply;
  reply.nxdomain = (data[0] & 1U) != 0;
  reply.packet = octets;
  reply.rcode = packet && (data[0] & 2U) == 0 ? static_cast<int>(packet->rcode) : data[0] >> 4U;
  unsigned definite = 0;
  for (unsigned flags = 0; flags < 5; ++flags) {
    reply.secure = flags % 2 == 0;
    reply.havedata = flags / 2 == 1;
    reply.bogus = flags == 4;
    const auto folded = fold(name, reply);
    look_at(folded, reply, packet);
    definite |= core::is_definite(folded.answer) ? 1U << flags : 0U;
  }
  require((definite & 3U) == 0 || (definite & 12U) == 0, "data is there or not, by the packet itself");
  reply.error = "out of memory";
  require(!core::is_definite(fold(name, reply).answer), "an error of libunbound's is one");
  return 0;
}
