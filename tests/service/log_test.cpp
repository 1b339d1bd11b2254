#include "daemon/service/log.h"
#include "daemon/service/log_writer.h"
#include "tests/support/catch.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

using namespace std::chrono_literals;
using danegate::config::LogLevel;
using danegate::config::LogSettings;
using danegate::service::Log;
using danegate::service::LogBatch;
using danegate::service::LogWriter;

namespace {

/// What the log's reader holds: both ends of a pipe.
class Pipe {
public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0); }

  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  ~Pipe() {
    close_reader();
    close_writer();
  }

  int reader() const { return ends_[0]; }

  int writer() const { return ends_[1]; }

  void close_reader() { shut(ends_[0]); }

  void close_writer() { shut(ends_[1]); }

  /// Leaves no room at all.
  void fill() {
    const int flags = ::fcntl(ends_[1], F_GETFL);
    REQUIRE(::fcntl(ends_[1], F_SETFL, flags | O_NONBLOCK) == 0);
    const std::string block(4096, '.');
    while (::write(ends_[1], block.data(), block.size()) > 0) {
    }
    REQUIRE(::write(ends_[1], "\n", 1) < 0);
    REQUIRE(::fcntl(ends_[1], F_SETFL, flags) == 0);
  }

  /// Everything up to the end of file; needs the writing end closed, in time, by somebody.
  std::string read_all() {
    std::string all;
    std::array<char, 65536> buffer;
    ssize_t got = 0;
    while ((got = ::read(ends_[0], buffer.data(), buffer.size())) > 0)
      all.append(buffer.data(), static_cast<std::size_t>(got));
    return all;
  }

private:
  static void shut(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }

  std::array<int, 2> ends_{-1, -1};
};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
    lines.push_back(text.substr(begin, end - begin));
  CHECK(begin == text.size()); // no line without its end
  return lines;
}

/// The line without its time, which must be there and look like one.
std::string timeless(const std::string& line) {
  const std::string shape = "time=dddd-dd-ddTdd:dd:dd.dddZ ";
  REQUIRE(line.size() > shape.size());
  for (std::size_t i = 0; i < shape.size(); ++i) {
    INFO(line);
    const bool digit = line[i] >= '0' && line[i] <= '9';
    CHECK((i >= 5 && shape[i] == 'd' ? digit : line[i] == shape[i]));
  }
  return line.substr(shape.size());
}

std::size_t number_after(const std::string& line, std::string_view key) {
  const std::size_t at = line.find(key);
  REQUIRE(at != std::string::npos);
  return std::stoul(line.substr(at + key.size()));
}

} // namespace

TEST_CASE("log batch: what a burst needed is given back") {
  LogBatch batch;
  const std::string line(999, 'x');
  for (int i = 0; i < 100; ++i)
    batch.add(LogLevel::info, line);
  batch.clear();
  const std::size_t usual = batch.text.capacity();
  CHECK(usual >= 100000);
  for (int i = 0; i < 2000; ++i)
    batch.add(LogLevel::info, line);
  batch.clear();
  CHECK(batch.text.capacity() <= LogBatch::kept);
  CHECK((batch.text.empty() && batch.lines.empty()));
}

TEST_CASE("events are lines of pairs") {
  Pipe pipe;
  {
    Log log(LogSettings{.level = LogLevel::debug}, pipe.writer());
    log.event(LogLevel::debug, "first", "made for debugging");
    log.event(LogLevel::info, "second", "plain", {{"peer", "192.0.2.1"}});
    log.event(LogLevel::warning, "third", "with \"quotes\" and {}%v", {{"helo", "evil\nlevel=error"}, {"n", ""}});
    log.event(LogLevel::error, "fourth", "bad");
    log.line(LogLevel::info, "time=2026-11-22T04:48:46.123Z event=verdict");
  }
  pipe.close_writer();
  const auto lines = lines_of(pipe.read_all());
  REQUIRE(lines.size() == 5);
  CHECK(timeless(lines[0]) == "level=debug event=first msg=\"made for debugging\"");
  CHECK(timeless(lines[1]) == "level=info event=second msg=plain peer=192.0.2.1");
  CHECK(timeless(lines[2]) ==
        R"(level=warning event=third msg="with \"quotes\" and {}%v" helo="evil\x0alevel=error" n=)");
  CHECK(timeless(lines[3]) == "level=error event=fourth msg=bad");
  CHECK(timeless(lines[4]) == "event=verdict");
}

TEST_CASE("events are objects in JSON") {
  Pipe pipe;
  {
    Log log(LogSettings{.json = true}, pipe.writer());
    CHECK(log.json());
    log.event(LogLevel::warning, "name", "message", {{"helo", "a\xff\"b"}});
  }
  pipe.close_writer();
  const auto lines = lines_of(pipe.read_all());
  REQUIRE(lines.size() == 1);
  const auto object = nlohmann::json::parse(lines[0]);
  CHECK(object.size() == 5);
  CHECK(object["time"].get<std::string>().size() == std::strlen("2026-11-22T04:48:46.123Z"));
  CHECK(object["level"] == "warning");
  CHECK(object["event"] == "name");
  CHECK(object["msg"] == "message");
  CHECK(object["helo"] == "a\ufffd\"b");
}

TEST_CASE("the level is a threshold, and a reload changes it and the format") {
  Pipe pipe;
  {
    Log log(LogSettings{.level = LogLevel::warning}, pipe.writer());
    CHECK_FALSE(log.enabled(LogLevel::info));
    CHECK(log.enabled(LogLevel::warning));
    log.event(LogLevel::info, "lost", "");
    log.event_limited("key", LogLevel::info, "lost", "");
    log.line(LogLevel::info, "lost");
    log.event(LogLevel::warning, "kept", "");
    log.reconfigure(LogSettings{.level = LogLevel::info, .json = true});
    CHECK(log.json());
    log.event(LogLevel::info, "after", "");
    log.line(LogLevel::info, "{}");
  }
  pipe.close_writer();
  const auto lines = lines_of(pipe.read_all());
  REQUIRE(lines.size() == 3);
  CHECK(timeless(lines[0]) == "level=warning event=kept msg=");
  CHECK(nlohmann::json::parse(lines[1])["event"] == "after");
  CHECK(lines[2] == "{}");
}

TEST_CASE("a limited event is logged once for its key") {
  Pipe pipe;
  {
    Log log(LogSettings{}, pipe.writer());
    for (int i = 0; i < 5; ++i)
      log.event_limited("a", LogLevel::warning, "limited", "a");
    log.event_limited("b", LogLevel::warning, "limited", "b", {{"k", "v"}});
  }
  pipe.close_writer();
  const auto lines = lines_of(pipe.read_all());
  REQUIRE(lines.size() == 2);
  CHECK(timeless(lines[0]) == "level=warning event=limited msg=a");
  CHECK(timeless(lines[1]) == "level=warning event=limited msg=b k=v");
}

TEST_CASE("flush() returns when the lines are in the pipe") {
  Pipe pipe;
  Log log(LogSettings{}, pipe.writer());
  log.event(LogLevel::info, "flushed", "");
  log.flush();
  std::array<char, 256> buffer;
  const ssize_t got = ::read(pipe.reader(), buffer.data(), buffer.size());
  REQUIRE(got > 0);
  CHECK(std::string_view(buffer.data(), static_cast<std::size_t>(got)).find("event=flushed") != std::string_view::npos);
}

TEST_CASE("a reader that stops reading blocks nobody; what is lost is counted") {
  for (const bool json : {false, true}) {
    INFO("json " << json);
    Pipe pipe;
    pipe.fill();
    constexpr std::size_t count = 20000;
    const std::string padding(1000, 'x'); // twenty times a thousand and more octets: far past max_pending
    std::string text;
    std::uint64_t dropped = 0;
    std::thread reader;
    {
      Log log(LogSettings{.json = json}, pipe.writer());
      CHECK(log.dropped() == 0);
      const std::string line = json ? R"({"line":")" + padding + "\"}" : "line=" + padding;
      for (std::size_t i = 0; i < count; ++i)
        log.line(LogLevel::info, line); // would hang here
      reader = std::thread([&] { text = pipe.read_all(); });
      log.flush();
      log.event(LogLevel::info, "after", "");
      dropped = log.dropped();
    }
    pipe.close_writer();
    reader.join();

    const auto lines = lines_of(text);
    std::size_t kept = 0;
    std::size_t lost = 0;
    for (const std::string& line : lines) {
      if (line.find(padding) != std::string::npos) ++kept;
      if (line.find("log-lost") == std::string::npos) continue;
      lost +=
          json ? std::stoul(nlohmann::json::parse(line).at("lost").get<std::string>()) : number_after(line, "lost=");
      CHECK(line.find("warning") != std::string::npos);
    }
    CHECK(kept + lost == count);
    CHECK(dropped == lost);
    CHECK(kept <= 2 * (LogWriter::max_pending / padding.size()) + 1); // one batch in writing, one waiting
    CHECK(lost > 0);
    CHECK(lines.back().find("after") != std::string::npos);
  }
}

TEST_CASE("a log whose reader never reads can still be ended") {
  Pipe pipe;
  pipe.fill();
  {
    LogWriter writer(
        danegate::service::make_descriptor_target(pipe.writer()), [](std::size_t) { return "lost"; }, 50ms);
    writer.push(LogLevel::info, "never written");
    CHECK_FALSE(writer.flush());
  }
  // Its thread is let go; reading now sets it free.
  std::array<char, 65536> buffer;
  CHECK(::read(pipe.reader(), buffer.data(), buffer.size()) > 0);
}

TEST_CASE("a target that fails loses its lines and nothing else") {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  pipe.close_reader();
  Log log(LogSettings{}, pipe.writer());
  for (int i = 0; i < 10; ++i) {
    log.event(LogLevel::error, "broken", "pipe");
    log.flush();
  }
  SUCCEED("neither hung nor crashed");
}

TEST_CASE("stderr that somebody made non-blocking loses nothing") {
  Pipe pipe;
  REQUIRE(::fcntl(pipe.writer(), F_SETFL, O_NONBLOCK) == 0);
  constexpr std::size_t count = 3000; // more than a pipe holds, less than max_pending
  std::string text;
  std::thread reader;
  {
    Log log(LogSettings{}, pipe.writer());
    for (std::size_t i = 0; i < count; ++i)
      log.line(LogLevel::info, "line=" + std::string(200, 'x'));
    reader = std::thread([&] { text = pipe.read_all(); });
  }
  pipe.close_writer();
  reader.join();
  CHECK(lines_of(text).size() == count);
}

TEST_CASE("lines of many threads come out whole, each thread's in its order") {
  Pipe pipe;
  std::string text;
  std::thread reader([&] { text = pipe.read_all(); });
  constexpr int per_thread = 500;
  {
    Log log(LogSettings{}, pipe.writer());
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t)
      threads.emplace_back([&log, t] {
        const std::string key = "t" + std::to_string(t);
        for (int i = 0; i < per_thread; ++i) {
          if (i % 2 == 0)
            log.line(LogLevel::info, key + "=" + std::to_string(i));
          else
            log.event(LogLevel::info, "numbered", "", {{"at", key + '=' + std::to_string(i)}});
        }
      });
    for (int i = 0; i < 20; ++i)
      log.reconfigure(LogSettings{.level = i % 2 == 0 ? LogLevel::debug : LogLevel::info});
    for (auto& thread : threads)
      thread.join();
  }
  pipe.close_writer();
  reader.join();
  std::array<std::size_t, 4> next{};
  for (const std::string& line : lines_of(text))
    for (std::size_t t = 0; t < next.size(); ++t) {
      const std::string key = "t" + std::to_string(t) + "=";
      if (line.find(key) != std::string::npos) CHECK(number_after(line, key) == next[t]++);
    }
  for (const std::size_t count : next)
    CHECK(count == per_thread);
}
