#include "daemon/tls/pem_file.h"

#include "daemon/tls/certificate.h"

#include <cerrno>
#include <fstream>
#include <system_error>

namespace danegate::tls {

std::expected<std::string, std::string> read_pem_file(const std::string& file) {
  errno = 0;
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::unexpected(std::generic_category().message(errno));
  std::string text(max_pem + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (stream.bad()) return std::unexpected("cannot be read");
  text.resize(static_cast<std::size_t>(stream.gcount()));
  return text;
}

} // namespace danegate::tls
