// POST /explain of the control socket: one policy request judged by the running daemon, with its rules, cache, roster
// and limits, as a request at the policy socket would be judged now.
//
// It is no verdict, though: nothing is logged, counted, told to the milter or remembered of the message. Where DNS has
// to be asked, it is, and what it says is stored.
#pragma once

#include "daemon/service/http.h"
#include "policy/handler.h"

#include <boost/asio/io_context.hpp>

namespace danegate::policy {

/// Answers with the explanation, or 400 and what is wrong with the request. `as=text` in the query: for people, and
/// `number` is that of the request, of several. The loop outlives it.
void explain_live(boost::asio::io_context& loop, const Handler::Parts& parts, const service::HttpRequest& request,
                  service::HttpAnswer answer);

} // namespace danegate::policy
