#include "milter/path.h"

namespace danegate::milter {

namespace {

/// RFC 5321 section 4.1.2, A-d-l: "@a,@b:".
std::string_view without_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  const auto colon = path.find(':');
  return colon == std::string_view::npos ? path : path.substr(colon + 1);
}

} // namespace

std::string mailbox_of(std::string_view path) {
  if (path.starts_with('<')) path.remove_prefix(1);
  if (path.ends_with('>')) path.remove_suffix(1);
  path = without_route(path);
  if (!path.starts_with('"')) return std::string(path);
  std::string mailbox;
  for (std::size_t i = 1; i < path.size(); ++i) {
    if (path[i] == '"') return mailbox.append(path.substr(i + 1));
    if (path[i] == '\\' && i + 1 < path.size()) ++i;
    mailbox += path[i];
  }
  return std::string(path); // no closing quote: nothing that we could read
}

} // namespace danegate::milter
