#include "daemon/core/tlsa_record.h"

#include "daemon/core/digest.h"

namespace danegate::core {

std::optional<TlsaRecord> TlsaRecord::from_rdata(ByteView rdata) {
  if (rdata.size() < 4) return std::nullopt;
  const auto data = rdata.subspan(3);
  return TlsaRecord{rdata[0], rdata[1], rdata[2], Bytes(data.begin(), data.end())};
}

bool TlsaRecord::malformed() const noexcept {
  if (matching == sha2_256) return data.size() != 32;
  if (matching == sha2_512) return data.size() != 64;
  return data.empty();
}

std::string TlsaRecord::summary() const {
  std::string text;
  text.reserve(32);
  for (const std::uint8_t field : {usage, selector, matching}) {
    if (field < 10) // they nearly always are
      text += static_cast<char>('0' + field);
    else
      text += std::to_string(field);
    text += ' ';
  }
  const ByteView view(data);
  if (view.size() <= 4) return text.append(to_hex(view));
  return text.append(to_hex(view.first(2))).append("…").append(to_hex(view.last(2)));
}

} // namespace danegate::core
