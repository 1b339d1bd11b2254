// What the control socket can be asked (README.md, "While it runs"): routes of an HttpServer, JSON replies.
//
//   GET  /status                  the daemon now (status.h)
//   GET  /cache                   how much is stored
//   GET  /cache?name=OWNER        what is stored about one owner name
//   POST /cache/flush[?name=…]    forgets one name, or all: the next verdict that needs it asks DNS
//   POST /reload                  reloads, and answers when that is done: 200, or 422 with every mistake
//   POST /explain[?as=text&number=N]   a policy request in the body: every step of its verdict, now and here
//
// Errors are {"error": "..."} with 400, 404, 405 or 500. A parameter that is not known is an error: a mistyped `name`
// must not flush everything.
//
// Loop's thread only. Lives as long as the server that it answers for. Whoever can open the socket may do all of it.
#pragma once

#include "daemon/core/ports.h"
#include "daemon/service/authenticator.h"
#include "daemon/service/http.h"
#include "daemon/service/lifecycle.h"
#include "daemon/service/log.h"

#include <functional>
#include <string>
#include <string_view>

namespace danegate::service {

HttpReply json_error(unsigned status, std::string_view why);

class Control {
public:
  struct Parts {
    std::function<std::string()> status; ///< its JSON
    Authenticator& authenticator;
    std::function<void(ReloadDone)> reload;
    HttpHandler explain;
    core::ToAscii to_ascii;
  };

  Control(Parts parts, Log& log) : parts_(std::move(parts)), log_(log) {}

  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  ~Control() = default;

  /// An HttpHandler.
  void handle(const HttpRequest& request, const HttpAnswer& answer) const;

private:
  struct Route;

  void status(const HttpRequest& request, const HttpAnswer& answer) const;
  void cache(const HttpRequest& request, const HttpAnswer& answer) const;
  void flush(const HttpRequest& request, const HttpAnswer& answer) const;
  void reload(const HttpRequest& request, const HttpAnswer& answer) const;
  void explain(const HttpRequest& request, const HttpAnswer& answer) const;

  Parts parts_;
  Log& log_;
};

} // namespace danegate::service
