// What the pure core borrows from libraries that it may not include: functions passed in by the drivers.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace danegate::core {

enum class DigestAlgorithm : std::uint8_t { md5, sha1, sha256, sha384, sha512 };

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// The digest of `data`. Implementations return an empty vector if the library fails; an empty digest matches nothing.
using HashFunction = Bytes (*)(DigestAlgorithm algorithm, ByteView data);

/// A-labels of a UTF-8 domain name (IDNA 2008, RFC 5891); nullopt where it has none.
using ToAscii = std::optional<std::string> (*)(std::string_view utf8);

struct Ports {
  HashFunction hash;
  ToAscii to_ascii;
};

} // namespace danegate::core
