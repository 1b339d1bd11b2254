#include "daemon/config/identity_files.h"

#include "daemon/config/read_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <utility>

namespace danegate::config {

namespace {

struct Word {
  std::string_view text;
  std::uint32_t column; ///< from 1
};

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\r';
}

/// The words of a line, up to a comment.
std::vector<Word> words_of(std::string_view line) {
  std::vector<Word> words;
  std::uint32_t column = 1;
  for (std::size_t at = 0; at < line.size();) {
    if (is_blank(line[at])) {
      ++at;
      ++column;
      continue;
    }
    if (line[at] == '#') break;
    const std::size_t begin = at;
    const std::uint32_t begin_column = column;
    for (; at < line.size() && !is_blank(line[at]); ++at)
      if ((static_cast<unsigned char>(line[at]) & 0xc0U) != 0x80U)
        ++column; // continuation octets of UTF-8 do not count
    words.push_back({line.substr(begin, at - begin), begin_column});
  }
  return words;
}

/// Calls `handle(words, line number)` for every line that says something, after `begin(octets of the file)`.
template <typename Handler>
void for_each_line(const Item& path, Diagnostics& diagnostics, const std::function<void(std::size_t)>& begin,
                   const Handler& handle) {
  const auto one_line = [&](std::string_view line, std::uint32_t number, bool too_long) {
    if (too_long)
      diagnostics.error({path.text, number, 1}, fmt::format("the line is longer than {} octets", max_list_line));
    else if (const auto words = words_of(line); !words.empty())
      handle(words, number);
  };
  const auto read = read_lines(path.text, {.octets = max_list_octets, .line = max_list_line}, begin, one_line);
  if (!read) diagnostics.error(path.place, fmt::format("{} {}", path.text, read.error()));
}

std::vector<std::string> texts_of(const std::vector<Item>& paths) {
  std::vector<std::string> texts;
  for (const auto& item : paths)
    texts.push_back(item.text);
  return texts;
}

} // namespace

void IdentityFiles::read_identities(const Item& path, core::IdentitySet& into) {
  const auto make_room = [&](std::size_t octets) { into.reserve(into.octets() + octets + octets / 16); };
  for_each_line(path, diagnostics_, make_room, [&](const std::vector<Word>& words, std::uint32_t line) {
    if (words.size() > 1) return diagnostics_.error({path.text, line, words[1].column}, "expected one identity a line");
    const auto identity = core::parse_identity(words[0].text, to_ascii_);
    if (identity) {
      if (!into.add(*identity))
        diagnostics_.error({path.text, line, words[0].column}, "more identities than can be held");
      return;
    }
    diagnostics_.error(
        {path.text, line, words[0].column},
        fmt::format("expected a domain or an address, found \"{}\": {}", words[0].text, identity.error()));
  });
}

void IdentityFiles::read_grants(const Item& path, core::Grants& into) {
  const auto no_room_needed = [](std::size_t) {};
  for_each_line(path, diagnostics_, no_room_needed, [&](const std::vector<Word>& words, std::uint32_t line) {
    const auto identity = core::parse_identity(words[0].text, to_ascii_);
    if (!identity)
      return diagnostics_.error(
          {path.text, line, words[0].column},
          fmt::format("expected a domain or an address, found \"{}\": {}", words[0].text, identity.error()));
    if (words.size() == 1)
      return diagnostics_.error({path.text, line, words[0].column},
                                fmt::format("expected at least one sender after \"{}\"", words[0].text));
    for (std::size_t i = 1; i < words.size(); ++i) {
      auto pattern = core::AddressPattern::parse(words[i].text, false, to_ascii_);
      if (pattern)
        into.add(*identity, std::move(*pattern));
      else
        diagnostics_.error({path.text, line, words[i].column},
                           fmt::format("expected a sender (domain, .domain, address or \"<>\"), found \"{}\": {}",
                                       words[i].text, pattern.error()));
    }
  });
}

std::shared_ptr<const core::IdentitySet> IdentityFiles::identities(const std::vector<Item>& paths) {
  if (paths.empty()) return nullptr;
  auto& shared = identity_sets_[texts_of(paths)];
  if (!shared) {
    auto set = std::make_shared<core::IdentitySet>();
    for (const auto& path : paths)
      read_identities(path, *set);
    shared = std::move(set);
  }
  return shared;
}

std::shared_ptr<const core::Grants> IdentityFiles::grants(const std::vector<Item>& paths) {
  if (paths.empty()) return nullptr;
  auto& shared = grant_sets_[texts_of(paths)];
  if (!shared) {
    auto set = std::make_shared<core::Grants>();
    for (const auto& path : paths)
      read_grants(path, *set);
    shared = std::move(set);
  }
  return shared;
}

} // namespace danegate::config
