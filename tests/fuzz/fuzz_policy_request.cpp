// Any octets on a policy connection: which requests they are, and the question that each of them makes.
#include "policy/inbox.h"
#include "policy/question.h"
#include "policy/reply.h"
#include "tests/core/credentials.h"
#include "tests/core/real_ports.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/policy/builders.h"

#include <cstring>

using namespace danegate;
using namespace danegate::policy;
using test::require;

namespace {

/// The requests up to the end or the first error.
struct Stream {
  std::vector<std::string> requests;
  bool broken = false;

  friend bool operator==(const Stream&, const Stream&) = default;
};

Stream at_once(std::string_view octets, std::size_t limit) {
  Stream read;
  for (;;) {
    const auto length = RequestScanner{limit}.scan(octets);
    read.broken = !length;
    if (read.broken || !*length) return read;
    read.requests.emplace_back(octets.substr(0, **length));
    octets.remove_prefix(**length);
  }
}

Stream in_pieces(std::string_view octets, std::size_t limit, std::size_t piece) {
  Stream read;
  Inbox inbox{limit};
  while (!octets.empty()) {
    const auto space = inbox.space();
    const std::size_t size = std::min({piece, space.size(), octets.size()});
    std::memcpy(space.data(), octets.data(), size);
    octets.remove_prefix(size);
    inbox.filled(size);
    for (auto next = inbox.next();; next = inbox.next()) {
      read.broken = !next;
      if (read.broken) return read;
      if (!*next) break;
      read.requests.emplace_back(**next);
      inbox.consumed();
      inbox.begin(limit);
    }
  }
  return read;
}

/// A service that may look up whatever anybody claims, to find a record that proves nothing.
std::shared_ptr<config::Config> open_config() {
  auto made = test::policy_config();
  core::Service asked = test::service("smtp", {25});
  for (const char* name :
       {"_smtp-client.{subject}", "_smtp-client.{client}", "{sender.hash}._smtp-client.{sender.domain}"})
    asked.names.push_back(test::owner_template(name));
  made->rules = std::make_shared<const core::RuleSet>(std::vector<core::Service>{asked}, std::vector<core::Rule>{},
                                                      std::vector<core::DnsName>{}, true);
  return made;
}

core::Decision judge(const config::Config& config, core::Question question) {
  static const auto nobody = test::secure({test::record(3, 1, 1, test::from_hex(test::vectors::empty_sha256)),
                                           test::record(3, 0, 1, test::from_hex(test::vectors::empty_sha256))});
  core::AuthFlow flow(config.rules, std::move(question), test::real_ports(), {});
  while (!flow.done())
    for (const auto& need : flow.take_needs()) {
      require(need.name->has_label("_smtp-client"), "no name without the service label is looked up");
      flow.answer(need.id, nobody, false);
    }
  return flow.take();
}

void ask(const Request& request) {
  static const auto config = open_config();
  const core::Service* const chosen = choose_service(request, *config->rules).service;
  const core::Service& service = chosen != nullptr ? *chosen : config->rules->services().front();
  const auto question = make_question(request, *config, service, recipient_of(request), test::fake_to_ascii);
  require(question.evidence.tls || !question.evidence.has_credential(), "without TLS there is no credential");
  require(core::find_problem(question.evidence) || question.evidence.has_credential(), "nothing to judge is a problem");
  const auto decision = judge(*config, question);
  require(decision.outcome.result() != core::Result::pass, "a known constant is nobody's fingerprint");
  const std::string reply = verdict_reply(decision.outcome, "0123ABCD");
  require(reply.starts_with("action=") && reply.ends_with("\n\n"), "a reply is an action and an empty line");
  require(test::is_printable(std::string_view(reply).substr(0, reply.size() - 2)), "of printable ASCII");
}

void read(const std::string& text) {
  const auto request = Request::parse(text);
  if (!request)
    return require(request.error() == RequestError::wrong_request || request.error() == RequestError::contradiction,
                   "the scanner finds everything else");
  auto lines = test::lines_of(text);
  lines.pop_back(); // the empty one
  std::string backwards;
  for (auto line = lines.rbegin(); line != lines.rend(); ++line)
    backwards.append(*line).append("\n");
  backwards += '\n';
  const auto same = Request::parse(backwards);
  require(same.has_value(), "the order of attributes does not count");
  for (std::size_t i = 0; i < attribute_count; ++i) {
    const auto attribute = static_cast<Attribute>(i);
    const std::string_view value = request->get(attribute);
    require(same->has(attribute) == request->has(attribute) && same->get(attribute) == value, "for any of them");
    require(value.find_first_of(std::string_view("\0\n", 2)) == value.npos, "a value is one line without NUL");
  }
  if (request->has(Attribute::ccert_fingerprint))
    require(
        !Request::parse("ccert_fingerprint=x" + std::string(request->get(Attribute::ccert_fingerprint)) + "\n" + text),
        "a second fingerprint is refused");
  ask(*request);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string octets = test::text_of(data, size);
  const std::size_t limit = size % 4 == 0 ? 512 : 65536;
  const Stream whole = at_once(octets, limit);
  require(whole == in_pieces(octets, limit, 1 + size % 61), "it does not matter how the octets arrive");
  for (const auto& request : whole.requests)
    read(request);
  return 0;
}
