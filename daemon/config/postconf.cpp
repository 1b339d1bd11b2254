#include "daemon/config/postconf.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <thread>
#include <utility>

namespace danegate::config {

namespace {

using Clock = std::chrono::steady_clock;

/// A child with its standard output in a pipe. Killed and reaped by the destructor if it has not ended before.
class Child {
public:
  Child() = default;
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  bool start(const PostconfQuery& query);
  /// All it writes until it closes its output; nullopt past the deadline or the bound.
  std::optional<std::string> read_all(Clock::time_point deadline);
  bool ended_well(Clock::time_point deadline);

private:
  pid_t pid_ = -1;
  int output_ = -1;
};

Child::~Child() {
  if (output_ >= 0) ::close(output_);
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool Child::start(const PostconfQuery& query) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return false;
  output_ = ends[0];
  std::vector<std::string> words{query.program}; // posix_spawn() wants text that it could change
  words.insert(words.end(), query.arguments.begin(), query.arguments.end());
  std::vector<char*> arguments;
  for (auto& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t nothing_blocked;
  sigemptyset(&nothing_blocked);
  posix_spawnattr_setsigmask(&attributes, &nothing_blocked);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  const int error = ::posix_spawn(&pid_, query.program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  if (error != 0) pid_ = -1;
  return error == 0;
}

std::optional<std::string> Child::read_all(Clock::time_point deadline) {
  std::string text;
  std::array<char, 4096> buffer{};
  while (text.size() <= max_postconf_output) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{output_, POLLIN, 0};
    const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left)) : 0;
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) return std::nullopt;
    const auto got = ::read(output_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return std::nullopt;
}

bool Child::ended_well(Clock::time_point deadline) {
  constexpr std::chrono::milliseconds step{2};
  int status = 0;
  while (true) {
    const pid_t ended = ::waitpid(pid_, &status, WNOHANG);
    if (ended == pid_) {
      pid_ = -1;
      return WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    if ((ended < 0 && errno != EINTR) || Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(step);
  }
}

} // namespace

std::string find_postconf(const std::string& folder) {
  // Without its configuration the tool takes a second to say no more than that it has none.
  if (::access((folder + "/main.cf").c_str(), R_OK) != 0) return {};
  for (const auto* const path : {"/usr/sbin/postconf", "/usr/local/sbin/postconf", "/sbin/postconf"})
    if (::access(path, X_OK) == 0) return path;
  return {};
}

std::optional<std::string> run_postconf(const PostconfQuery& query) {
  const auto deadline = Clock::now() + query.timeout;
  Child child;
  if (!child.start(query)) return std::nullopt;
  auto text = child.read_all(deadline);
  if (!text || !child.ended_well(deadline)) return std::nullopt;
  return text;
}

std::map<std::string, std::string> parse_postconf(std::string_view text) {
  constexpr std::string_view equals = " =";
  std::map<std::string, std::string> values;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto at = line.find(equals);
    if (at == std::string_view::npos) continue;
    auto value = line.substr(at + equals.size());
    while (value.starts_with(' '))
      value.remove_prefix(1);
    values.emplace(line.substr(0, at), value);
  }
  return values;
}

std::optional<std::map<std::string, std::string>> ask_postconf(const PostconfQuery& query) {
  const auto text = run_postconf(query);
  if (!text) return std::nullopt;
  return parse_postconf(*text);
}

PostconfQuery main_cf_query(std::string program, std::vector<std::string> names, const std::string& folder) {
  std::vector<std::string> arguments{"-c", folder, "-x"};
  arguments.insert(arguments.end(), names.begin(), names.end());
  return {std::move(program), std::move(arguments)};
}

} // namespace danegate::config
