#include "policy/requests.h"

#include "policy/request.h"

#include <fmt/format.h>

namespace danegate::policy {

namespace {

void skip_empty_lines(std::string_view& text) {
  while (text.starts_with('\n') || text.starts_with("\r\n"))
    text.remove_prefix(text.front() == '\n' ? 1 : 2);
}

} // namespace

std::expected<std::vector<std::string>, std::string> split_requests(std::string_view text, std::size_t max_request) {
  const std::string complete = std::string(text) + "\n\n";
  std::vector<std::string> requests;
  std::string_view rest = complete;
  for (skip_empty_lines(rest); !rest.empty(); skip_empty_lines(rest)) {
    RequestScanner scanner(max_request);
    const auto end = scanner.scan(rest);
    if (!end) return std::unexpected(fmt::format("request {}: {}", requests.size() + 1, describe(end.error())));
    const std::size_t length = end->value_or(rest.size());
    const auto one = rest.substr(0, length);
    const auto parsed = Request::parse(one);
    if (!parsed) return std::unexpected(fmt::format("request {}: {}", requests.size() + 1, describe(parsed.error())));
    requests.emplace_back(one);
    rest.remove_prefix(length);
  }
  if (requests.empty()) return std::unexpected("there is no request on standard input");
  return requests;
}

} // namespace danegate::policy
