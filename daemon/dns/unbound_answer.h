// What libunbound said about one TLSA lookup, folded into one of the five answers. Pure: no libunbound in here.
//
// libunbound's word on security is final: nothing here makes an answer more secure than it said, and whatever cannot be
// read, contradicts itself or carries an error code becomes Failed. The packet is read for what libunbound's result
// leaves out: the Labels field of every signature on the way (wildcard expansion, RFC 4035 section 5.3.4), the TTL of
// every link, and the denial's TTL (RFC 2308 section 5).
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/tlsa_answer.h"

#include <chrono>
#include <cstddef>
#include <string>

namespace danegate::dns {

/// libunbound's result without libunbound. Neither secure nor bogus: outside the signed tree, unless rcode is an error.
struct UnboundReply {
  bool secure = false;
  bool bogus = false;
  bool havedata = false;
  bool nxdomain = false;
  int rcode = 0;
  std::string why_bogus;
  core::ByteView packet{}; ///< the answer, encoded again with its signatures
  std::string error{};     ///< not empty: libunbound itself failed, and nothing else here counts
};

inline constexpr std::size_t max_links = 16; ///< CNAMEs followed; libunbound itself gives up after 11
inline constexpr std::size_t max_why = 512;  ///< octets kept of an explanation that quotes the zone

struct FoldedAnswer {
  core::TlsaAnswer answer;
  /// Not empty: the answer is Insecure only because the NSEC3 chain of this zone opts out (RFC 5155 section 6), which
  /// libunbound calls not secure. If the zone's SOA record proves secure, the answer is Absent. The caller asks: fields
  /// that look signed prove nothing by themselves, an unsigned zone may hold them too.
  std::string opt_out_zone;
};

/// `now`: a signature that has expired beside one that has not is not what libunbound went by, so it does not bound the
/// answer; where all over one link have expired (libunbound allows for clocks that differ), the latest does.
FoldedAnswer fold(const core::DnsName& name, const UnboundReply& reply, std::chrono::sys_seconds now = {});

} // namespace danegate::dns
