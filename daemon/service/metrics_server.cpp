#include "daemon/service/metrics_server.h"

#include "daemon/service/metrics.h"
#include "daemon/service/signal_block.h"

#include <boost/asio/post.hpp>

#include <exception>
#include <memory>
#include <string_view>
#include <utility>

namespace danegate::service {

namespace {

HttpReply plain(unsigned status, std::string_view text) {
  return {.status = status, .type = "text/plain; charset=utf-8", .body = std::string(text)};
}

HttpReply written(const Measurements& measurements) {
  try {
    return {.status = 200, .type = std::string(exposition_type), .body = exposition(measurements)};
  } catch (const std::exception&) { // out of memory
    return plain(500, "the metrics could not be written\n");
  }
}

} // namespace

MetricsServer::MetricsServer(boost::asio::io_context& loop, Log& log, Parts parts)
    : loop_(loop), parts_(std::move(parts)),
      http_(loop, [this](const HttpRequest& request, HttpAnswer answer) { handle(request, std::move(answer)); }, log) {}

MetricsServer::~MetricsServer() {
  if (writer_.joinable()) writer_.join();
}

void MetricsServer::set_listener(const std::optional<config::Listen>& wanted, std::vector<BoundListener> opened) {
  std::vector<config::Listen> all;
  if (wanted) all.push_back(*wanted);
  http_.set_listeners(all, std::move(opened));
}

void MetricsServer::handle(const HttpRequest& request, HttpAnswer answer) {
  if (request.method != "GET") return answer(plain(405, "only GET and HEAD\n"));
  if (request.path == "/healthz") return answer(plain(200, "ok\n"));
  if (request.path == "/readyz") return answer(parts_.ready() ? plain(200, "ready\n") : plain(503, "draining\n"));
  if (request.path != "/metrics") return answer(plain(404, "danegated: /metrics, /healthz, /readyz\n"));
  if (waiting_.size() >= max_waiting) return answer(plain(503, "too many scrapes at a time\n"));
  waiting_.push_back(std::move(answer));
  if (!busy_) begin();
}

void MetricsServer::begin() {
  busy_ = true;
  in_hand_ = std::exchange(waiting_, {});
  if (writer_.joinable()) writer_.join(); // it has posted its text, and ends
  try {
    const auto measurements = std::make_shared<const Measurements>(parts_.measure());
    const SignalBlock blocked;
    writer_ = std::thread([this, measurements] {
      const auto reply = std::make_shared<HttpReply>(written(*measurements));
      boost::asio::post(loop_, [this, reply] { finish(*reply); });
    });
  } catch (const std::exception&) { // no memory, or no thread
    finish(plain(500, "the metrics could not be taken\n"));
  }
}

void MetricsServer::finish(const HttpReply& reply) {
  busy_ = false;
  const Answers answers = std::exchange(in_hand_, {});
  if (!waiting_.empty()) begin();
  for (const HttpAnswer& answer : answers)
    answer(reply);
}

} // namespace danegate::service
