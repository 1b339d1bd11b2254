#include "policy/explain_live.h"

#include "daemon/service/control.h"
#include "daemon/service/ports.h"
#include "daemon/service/url_query.h"
#include "policy/explain.h"
#include "policy/requests.h"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include <charconv>
#include <exception>
#include <expected>
#include <utility>

namespace danegate::policy {

namespace {

struct Form {
  bool text = false;
  std::size_t number = 1;
};

std::expected<Form, std::string> form_of(const std::string& query) {
  const auto pairs = service::parse_query(query);
  if (!pairs) return std::unexpected(pairs.error());
  Form form;
  for (const auto& [key, value] : *pairs) {
    const char* const end = value.data() + value.size();
    if (key == "as" && (value == "text" || value == "json"))
      form.text = value == "text";
    else if (key != "number" || std::from_chars(value.data(), end, form.number).ptr != end || value.empty())
      return std::unexpected(fmt::format(R"(expected "as=text", "as=json" or "number=N", found "{}={}")", key, value));
  }
  return form;
}

std::expected<std::string, std::string> only_request(const std::string& body, std::size_t max_request) {
  auto requests = split_requests(body, max_request);
  if (!requests) return std::unexpected(requests.error());
  if (requests->size() != 1) return std::unexpected("expected one request, found " + std::to_string(requests->size()));
  return std::move(requests->front());
}

service::HttpReply reply_of(const Explanation& explanation, bool text) {
  if (text) return {.type = "text/plain; charset=utf-8", .body = explain_as_text(explanation)};
  return {.body = explain_as_json(explanation)};
}

} // namespace

void explain_live(boost::asio::io_context& loop, const Handler::Parts& parts, const service::HttpRequest& request,
                  service::HttpAnswer answer) {
  const auto form = form_of(request.query);
  if (!form) return answer(service::json_error(400, form.error()));
  const auto config = parts.config();
  const auto text = only_request(request.body, config->limits.request_bytes);
  if (!text) return answer(service::json_error(400, text.error()));
  auto open = begin_explanation(*text, *config, std::nullopt, service::library_ports());
  if (!open) return answer(service::json_error(400, open.error()));
  open->explanation.number = form->number;
  if (!open->question) return answer(reply_of(open->explanation, form->text));
  auto verdict = service::wait_for(parts.judge(std::move(*open->question), config));
  boost::asio::co_spawn(loop, std::move(verdict),
                        [config, open = std::move(*open), as_text = form->text, answer = std::move(answer)](
                            const std::exception_ptr& failure, core::Decision decision) mutable {
                          if (failure) return answer(service::json_error(500, "the request could not be judged"));
                          answer(reply_of(finish_explanation(std::move(open), std::move(decision), *config), as_text));
                        });
}

} // namespace danegate::policy
