#include "daemon/config/postfix_setup.h"

#include "daemon/config/postconf.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace danegate::config {

namespace {

constexpr std::string_view blanks = " \t";

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(blanks), line.size()));
  const auto word = line.substr(0, line.find_first_of(blanks));
  line.remove_prefix(word.size());
  return word;
}

/// "3.7.11" is {3, 7}; "2" is {2, 0}.
std::optional<std::pair<unsigned, unsigned>> parse_version(std::string_view text) {
  std::pair<unsigned, unsigned> version{0, 0};
  const auto* const end = text.data() + text.size();
  auto at = std::from_chars(text.data(), end, version.first);
  if (at.ec != std::errc{}) return std::nullopt;
  if (at.ptr != end && *at.ptr == '.') std::from_chars(at.ptr + 1, end, version.second);
  return version;
}

/// postfix 3.0: "-" in the chroot column means "n" from compatibility level 1 on, and "y" before.
bool chroot_by_default(const PostfixValues& values) {
  const auto found = values.find("compatibility_level");
  if (found == values.end()) return true; // older than 3.0
  const auto level = parse_version(found->second);
  return !level || level->first < 1;
}

PostfixValues sorted(const std::map<std::string, std::string>& values) {
  return {values.begin(), values.end()};
}

/// From "service/type/name = value" lines of `postconf -P`.
PostfixValues overrides_of(const PostfixValues& lines, const std::string& entry) {
  PostfixValues overrides;
  const auto prefix = entry + '/';
  for (auto line = lines.lower_bound(prefix); line != lines.end() && line->first.starts_with(prefix); ++line)
    overrides.emplace(line->first.substr(prefix.size()), line->second);
  return overrides;
}

std::optional<PostfixValues> values_of(const PostfixService& service, const RunPostconf& run) {
  std::vector<std::string> arguments{"-x"};
  for (const auto& [name, value] : service.overrides) {
    arguments.emplace_back("-o");
    arguments.push_back(std::string(name).append("=").append(value));
  }
  const auto text = run(arguments);
  if (!text) return std::nullopt;
  return sorted(parse_postconf(*text));
}

} // namespace

std::string_view PostfixService::value(std::string_view parameter) const noexcept {
  const auto found = values.find(parameter);
  return found == values.end() ? std::string_view() : std::string_view(found->second);
}

std::optional<std::uint16_t> PostfixService::port() const {
  constexpr std::array<std::pair<std::string_view, std::uint16_t>, 5> known{
      {{"smtp", 25}, {"submission", 587}, {"submissions", 465}, {"smtps", 465}, {"ssmtp", 465}}};
  if (type != "inet") return std::nullopt;
  const auto text = std::string_view(name).substr(name.rfind(':') + 1); // npos + 1 is 0
  for (const auto& [word, number] : known)
    if (text == word) return number;
  std::uint16_t number = 0;
  const auto* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  return parsed.ec == std::errc{} && parsed.ptr == end ? std::optional(number) : std::nullopt;
}

bool PostfixService::is_version(unsigned major, unsigned minor) const noexcept {
  const auto version = parse_version(value("mail_version"));
  return !version || *version >= std::pair(major, minor);
}

bool PostfixService::is_compatible_below(unsigned major, unsigned minor) const noexcept {
  const auto level = parse_version(value("compatibility_level"));
  return level && *level < std::pair(major, minor);
}

std::vector<PostfixService> parse_master(std::string_view text, bool chroot) {
  enum Column : std::size_t { name, type, is_private, unprivileged, in_chroot, wakeup, most, command, count };

  std::vector<PostfixService> found;
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.starts_with('#')) continue;
    std::array<std::string_view, Column::count> columns;
    for (auto& column : columns)
      column = next_word(line);
    if (columns[Column::command] != "smtpd") continue;
    PostfixService service;
    service.name = columns[Column::name];
    service.type = columns[Column::type];
    service.chroot = columns[Column::in_chroot] == "-" ? chroot : columns[Column::in_chroot] == "y";
    found.push_back(std::move(service));
  }
  return found;
}

std::optional<PostfixSetup> read_postfix(const std::string& folder, const RunPostconf& run) {
  const auto main = run({"-x"});
  const auto master = run({"-M"});
  const auto options = run({"-P"});
  if (!main || !master || !options) return std::nullopt;
  PostfixSetup setup;
  setup.folder = folder;
  setup.values = sorted(parse_postconf(*main));
  setup.smtpd = parse_master(*master, chroot_by_default(setup.values));
  if (setup.smtpd.size() > max_smtpd) {
    setup.left_out = setup.smtpd.size() - max_smtpd;
    setup.smtpd.resize(max_smtpd);
  }
  const auto lines = sorted(parse_postconf(*options));
  for (auto& service : setup.smtpd) {
    service.overrides = overrides_of(lines, service.entry());
    auto values = service.overrides.empty() ? setup.values : values_of(service, run);
    if (!values) return std::nullopt;
    service.values = std::move(*values);
  }
  return setup;
}

} // namespace danegate::config
