#include "daemon/dns/trust_anchors.h"

#include "daemon/core/dns_name.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <system_error>
#include <utility>

namespace danegate::dns {

namespace {

/// One entry of a zone file: parentheses joined, comments gone.
struct Entry {
  bool inherits_owner = false; ///< begins with white space
  std::vector<std::string> words;
};

class EntryReader {
public:
  explicit EntryReader(std::string_view text) : rest_(text) {}

  /// nullopt at the end of the text.
  std::optional<Entry> next() {
    if (rest_.empty()) return std::nullopt;
    Entry entry;
    entry.inherits_owner = is_blank(rest_.front());
    std::string word;
    unsigned depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == ';') {
        rest_.remove_prefix(std::min(rest_.find('\n'), rest_.size()));
        continue;
      }
      rest_.remove_prefix(1);
      if (c == '(') ++depth;
      if (c == ')' && depth > 0) --depth;
      if (!is_blank(c) && c != '\n' && c != '(' && c != ')') {
        word += c;
        continue;
      }
      if (!word.empty()) entry.words.push_back(std::exchange(word, {}));
      if (c == '\n' && depth == 0) return entry;
    }
    if (!word.empty()) entry.words.push_back(std::move(word));
    return entry;
  }

private:
  static bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r'; }

  std::string_view rest_;
};

/// With "." at the end, and only there.
std::string absolute(std::string name, const std::string& origin) {
  if (name == "@") return origin;
  if (name.ends_with('.')) return name;
  return origin == "." ? name + "." : name + "." + origin;
}

/// What stands after owner, TTL and class.
bool is_anchor(const std::vector<std::string>& words, std::size_t first) {
  for (std::size_t i = first; i < words.size(); ++i) {
    const bool is_ttl = words[i].front() >= '0' && words[i].front() <= '9';
    if (is_ttl || core::ascii_iequals(words[i], "IN")) continue;
    return core::ascii_iequals(words[i], "DS") || core::ascii_iequals(words[i], "DNSKEY");
  }
  return false;
}

std::expected<std::string, std::string> read_file(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error))
    return std::unexpected(path + ": " + (error ? error.message() : "not a regular file"));
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(path + ": " + std::generic_category().message(errno));
  std::string text(max_anchor_file + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return std::unexpected(path + ": cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > max_anchor_file) return std::unexpected(path + ": too large for a trust anchor file");
  return text;
}

std::expected<AnchorSource, std::string> read_source(const std::string& file) {
  const auto text = read_file(file);
  if (!text) return std::unexpected(text.error());
  AnchorSource source{.name = file, .anchors = parse_anchors(*text)};
  if (source.anchors.empty()) return std::unexpected(file + ": no DS or DNSKEY record in it");
  return source;
}

} // namespace

std::vector<TrustAnchor> parse_anchors(std::string_view text) {
  std::vector<TrustAnchor> anchors;
  std::string origin = ".";
  std::string owner = ".";
  EntryReader reader(text);
  while (const auto entry = reader.next()) {
    const auto& words = entry->words;
    if (words.empty()) continue;
    if (words[0] == "$ORIGIN" && words.size() > 1) origin = absolute(words[1], origin);
    if (words[0].starts_with('$')) continue;
    const std::size_t after_owner = entry->inherits_owner ? 0 : 1;
    if (!entry->inherits_owner) owner = absolute(words[0], origin);
    if (!is_anchor(words, after_owner)) continue;
    TrustAnchor anchor{.owner = core::ascii_lower(owner), .line = owner};
    if (anchor.owner != ".") anchor.owner.pop_back();
    for (std::size_t i = after_owner; i < words.size(); ++i)
      anchor.line += ' ' + words[i];
    anchors.push_back(std::move(anchor));
  }
  return anchors;
}

std::expected<std::vector<AnchorSource>, std::string> read_anchors(const core::ResolverSettings& settings) {
  std::vector<AnchorSource> sources;
  for (const auto& file : settings.trust_anchor_files) {
    auto source = read_source(file);
    if (!source) return std::unexpected(source.error());
    sources.push_back(std::move(*source));
  }
  for (const auto& line : settings.trust_anchors) {
    AnchorSource source{.name = line, .anchors = parse_anchors(line)};
    if (source.anchors.empty()) return std::unexpected("not a DS or DNSKEY record: " + line);
    sources.push_back(std::move(source));
  }
  if (const auto& file = settings.auto_trust_anchor_file; !file.empty()) {
    auto source = read_source(file);
    if (!source) return std::unexpected(source.error());
    source->automatic = true;
    sources.push_back(std::move(*source));
  }
  if (sources.empty()) return std::unexpected("no trust anchor is configured");
  return sources;
}

std::vector<std::string> owners_of(const std::vector<AnchorSource>& sources) {
  std::vector<std::string> owners;
  for (const auto& source : sources)
    for (const auto& anchor : source.anchors)
      if (std::ranges::find(owners, anchor.owner) == owners.end()) owners.push_back(anchor.owner);
  return owners;
}

} // namespace danegate::dns
