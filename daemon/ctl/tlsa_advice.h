// Which TLSA records a client should publish, and what is to be said about each kind. Pure.
#pragma once

#include "daemon/core/tlsa_record.h"

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::ctl {

struct TlsaKind {
  std::uint8_t usage = core::TlsaRecord::dane_ee;
  std::uint8_t selector = core::TlsaRecord::spki;
  std::uint8_t matching = core::TlsaRecord::sha2_256;

  std::string text() const; ///< "3 1 1"
};

/// "3 1 1" or "311": usage 0 to 3, selector 0 or 1, matching type 0 to 2. The error is for people.
std::expected<TlsaKind, std::string> parse_kind(std::string_view text);

/// Why no mail server of today can judge a client by it; empty if some can. Usages 0, 1 and 2 need more than they show.
std::string_view why_useless(const TlsaKind& kind) noexcept;

/// What to know before it is published; empty for `3 1 1`.
std::vector<std::string_view> warnings_on(const TlsaKind& kind);

/// What a record is made of. `certificate_der` empty: there is a key only.
struct Published {
  core::Bytes certificate_der;
  core::Bytes spki_der;
};

/// The error is for people: selector 0 needs a certificate, or the digest failed.
std::expected<core::TlsaRecord, std::string> make_record(const TlsaKind& kind, const Published& published,
                                                         core::HashFunction hash);

} // namespace danegate::ctl
