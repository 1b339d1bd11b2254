#include "daemon/ctl/online_commands.h"

#include "daemon/ctl/command.h"
#include "daemon/ctl/status_text.h"
#include "daemon/service/url_query.h"

#include <ostream>

#include <sysexits.h>

namespace danegate::ctl {

namespace {

constexpr unsigned refused = 422; ///< of a reload

} // namespace

int show_status(const OnlineOptions& options, const Style& style, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto reply = find_daemon(options.daemon, err).get("/status");
    check_reply(reply);
    out << (options.json ? reply.body : status_as_text(reply.body, style));
    return EX_OK;
  });
}

int show_cache(const OnlineOptions& options, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto daemon = find_daemon(options.daemon, err);
    const auto query = options.name.empty() ? std::string() : "?name=" + service::percent_encoded(options.name);
    const auto reply = options.flush ? daemon.post("/cache/flush" + query) : daemon.get("/cache" + query);
    check_reply(reply);
    out << (options.json ? reply.body : options.flush ? flushed_as_text(reply.body) : cache_as_text(reply.body));
    return EX_OK;
  });
}

int reload(const OnlineOptions& options, std::ostream& out, std::ostream& err) {
  return run_guarded(err, [&] {
    const auto reply = find_daemon(options.daemon, err).post("/reload");
    if (reply.status != refused) check_reply(reply);
    if (options.json)
      out << reply.body;
    else
      tell_reload(reply.body, out, err);
    return reply.status == refused ? EX_CONFIG : EX_OK;
  });
}

} // namespace danegate::ctl
