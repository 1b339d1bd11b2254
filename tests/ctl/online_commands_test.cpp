// How the commands end where nobody answers, or somebody strange does. The rest is shown with a real daemon:
// tests/integration/test_control.py.
#include "daemon/ctl/online_commands.h"

#include "daemon/service/http.h"
#include "tests/config/config_files.h"
#include "tests/service/captured_log.h"
#include "tests/support/sandbox.h"

#include <sstream>
#include <thread>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

struct Told {
  int status;
  std::string out;
  std::string err;
};

Told run(int (*command)(const OnlineOptions&, std::ostream&, std::ostream&), const OnlineOptions& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int status = command(options, out, err);
  return {status, out.str(), err.str()};
}

int show_plain_status(const OnlineOptions& options, std::ostream& out, std::ostream& err) {
  return show_status(options, Style(), out, err);
}

/// A server that answers everything with the same.
class FakeDaemon {
public:
  explicit FakeDaemon(service::HttpReply reply)
      : server_(
            loop_,
            [this, reply = std::move(reply)](service::HttpRequest request, const service::HttpAnswer& answer) {
              asked = request.method + ' ' + request.path + '?' + request.query;
              answer(reply);
            },
            log_.log) {
    auto listener = service::open_listener(where, {});
    REQUIRE(listener);
    server_.add_listener(std::move(*listener));
    thread_ = std::thread([this] { loop_.run(); });
  }

  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

  ~FakeDaemon() {
    loop_.stop();
    thread_.join();
  }

  test::Sandbox box;
  config::Listen where = box.socket("control");
  std::string asked; ///< of the one request; read it after the reply

private:
  service::CapturedLog log_;
  boost::asio::io_context loop_;
  service::HttpServer server_;
  std::thread thread_;
};

OnlineOptions at(const std::string& socket) {
  OnlineOptions options;
  options.daemon.socket = socket;
  return options;
}

} // namespace

TEST_CASE("Nobody can be reached: which socket, and why", "[ctl]") {
  const test::Sandbox box;
  auto told = run(show_plain_status, at(box.path("control")));
  CHECK(told.status == EX_UNAVAILABLE);
  CHECK(told.err ==
        "danegate: unix:" + box.path("control") +
            ": No such file or directory: danegated is not running, or its server.control is another one\n");
  std::ofstream(box.path("file")) << "x";
  told = run(reload, at("unix:" + box.path("file")));
  CHECK(told.status == EX_UNAVAILABLE);
  CHECK(told.err.contains("Connection refused: nobody listens there: danegated is not running"));
  CHECK(run(show_cache, at(std::string(200, 'x'))).status == EX_DATAERR);
}

TEST_CASE("The configuration names the socket, or the command says why it cannot", "[ctl]") {
  struct Row {
    const char* label;
    std::string text;
    int status;
    std::string words;
  };

  const Row rows[]{
      {"named", "[server]\ncontrol = \"unix:/nowhere/c\"\n", EX_UNAVAILABLE, "danegate: unix:/nowhere/c: "},
      {"named beside a mistake", "[server]\ncontrol = \"unix:/nowhere/c\"\n[dns]\ntimeout = 4\n", EX_UNAVAILABLE,
       "danegate: unix:/nowhere/c: "},
      {"none", "[server]\ncontrol = \"\"\n", EX_UNAVAILABLE, "server.control is empty: there is no control socket"},
      {"wrong", "[server]\ncontrol = \"inet:127.0.0.1:1\"\n", EX_CONFIG, "--socket says where"},
  };
  const config::Folder folder;
  for (const auto& row : rows) {
    INFO(row.label);
    OnlineOptions options;
    options.daemon.config_file = folder.write("danegate.toml", row.text);
    const auto told = run(show_plain_status, options);
    CHECK(told.status == row.status);
    CHECK(told.err.contains(row.words));
    CHECK(told.out.empty());
  }
}

TEST_CASE("What the daemon answers decides how a command ends", "[ctl]") {
  struct Row {
    const char* label;
    service::HttpReply reply;
    int status;
    std::string err;
  };

  const Row rows[]{
      {"a wrong name",
       {400, "application/json", "{\"error\": \"expected an owner name\"}"},
       EX_DATAERR,
       "danegate: expected an owner name\n"},
      {"an error of its own", {500, "text/plain", "500"}, EX_SOFTWARE, "danegate: the daemon answers 500\n"},
      {"fine", {200, "application/json", "{\"entries\": 1, \"roster\": 0}"}, EX_OK, ""},
  };
  for (const auto& row : rows) {
    INFO(row.label);
    const FakeDaemon daemon(row.reply);
    auto options = at(daemon.where.address);
    options.name = "a b.example";
    const auto told = run(show_cache, options);
    CHECK(told.status == row.status);
    CHECK(told.err == row.err);
    CHECK(daemon.asked == "GET /cache?name=a%20b.example");
  }
}

TEST_CASE("A reload that is refused is a wrong configuration", "[ctl]") {
  const std::string body = R"({"ok": false, "errors": ["a.toml:1:1: x"], "warnings": []})";
  const FakeDaemon daemon({422, "application/json", body});
  auto options = at(daemon.where.address);
  auto told = run(reload, options);
  CHECK(told.status == EX_CONFIG);
  CHECK(told.err.starts_with("a.toml:1:1: x\n"));
  options.json = true;
  told = run(reload, options);
  CHECK(told.status == EX_CONFIG);
  CHECK(told.out == body);
  CHECK(told.err.empty());
}

} // namespace danegate::ctl
