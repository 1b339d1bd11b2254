// One TLSA record (RFC 6698 section 2.1, names of RFC 7218).
#pragma once

#include "daemon/core/ports.h"

#include <optional>
#include <string>

namespace danegate::core {

struct TlsaRecord {
  static constexpr std::uint8_t pkix_ta = 0, pkix_ee = 1, dane_ta = 2, dane_ee = 3; // usage
  static constexpr std::uint8_t cert = 0, spki = 1;                                 // selector
  static constexpr std::uint8_t full = 0, sha2_256 = 1, sha2_512 = 2;               // matching type

  std::uint8_t usage;
  std::uint8_t selector;
  std::uint8_t matching;
  Bytes data;

  /// nullopt if the rdata is too short to hold the three fields and at least one octet of data.
  static std::optional<TlsaRecord> from_rdata(ByteView rdata);

  /// A digest of the wrong length (RFC 7671 section 9: malformed, hence unusable).
  bool malformed() const noexcept;

  /// "3 1 1 3e98…a43f": the data shortened to its first and last two octets.
  std::string summary() const;

  friend bool operator==(const TlsaRecord&, const TlsaRecord&) = default;
};

} // namespace danegate::core
