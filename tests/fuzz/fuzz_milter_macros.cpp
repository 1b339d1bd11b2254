// Any sequence of milter events with any macro values, from two sessions of one client, and a judge that says anything.
//
// A script; the first character of a line says which event it is, the rest is its argument:
//   mNAME=VALUE a macro from here on     cHOST connect      hNAME HELO      fPATH MAIL      rPATH RCPT
//   HNAME:VALUE a header field           e end of message   a abort         x close         s the other session's turn
//   pQUEUE Postfix's policy service was asked: evidence is noted            t an hour goes by
//   dRA what the judge says from here on, a reason and an action as letters from "a" on; a third letter: in monitor
//   mode
#include "milter/path.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/milter/sessions.h"

#include <stdexcept>

using namespace danegate;
using namespace danegate::milter;
using test::require;

namespace {

test::Desk& desk() {
  static test::Desk one;
  static const bool ready = [] {
    core::Rule rule;
    rule.name = "header";
    rule.from = {test::senders("acme.example")};
    one.use({rule});
    return true;
  }();
  require(ready, "the desk has its rule");
  return one;
}

/// One session beside what a much simpler one would know of it.
struct Side {
  Session session = desk().session();
  bool greeted = false; ///< HELO was said
  bool told = false;    ///< and evidence was noted since
  bool refused = false; ///< of the message, at its end
  bool held = false;
  bool judged = false;
};

class Play {
public:
  void line(char event, std::string_view text);

private:
  void rcpt(std::string_view path);
  void end();
  void check(const core::Question& question) const;
  void note(bool at_end);

  core::Action action() const { return core::effective_action(decision_.outcome); }

  const Macros macros_ = [this](const char* name) {
    const auto found = values_.find(std::string_view(name));
    return found == values_.end() ? std::string() : found->second;
  };
  std::map<std::string, std::string, std::less<>> values_{desk().connection.begin(), desk().connection.end()};
  core::Decision decision_ = test::decided(desk().config, core::Reason::no_tls, core::Action::tag);
  std::array<Side, 2> sides_;
  Side* side_ = sides_.data();
};

void Play::check(const core::Question& question) const {
  const core::Evidence& evidence = question.evidence;
  require(question.service != nullptr, "what is asked belongs to a service");
  require(core::find_problem(evidence) || (evidence.tls && evidence.has_credential()), "without TLS nothing is judged");
  require(!evidence.key_digest || side_->told, "a key is known from the policy service only");
  require(!question.problem || !evidence.has_credential(), "who was not told knows nothing");
}

/// A refusal is what was decided, in one line.
void check(const std::optional<core::Refusal>& refusal, bool refused) {
  require(refusal.has_value() == refused, "refused is what the judge refused, nothing else");
  if (refusal) require(test::is_printable(refusal->text()), "a refusal is one printable line");
  if (refusal) require(refusal->text().size() <= core::max_refusal, "within its bound");
}

void Play::rcpt(std::string_view path) {
  const auto question = side_->session.rcpt(path, macros_);
  if (!question) return;
  check(*question);
  const bool ours = !side_->session.left_to_policy();
  const bool refused = ours && !core::lets_through(action());
  ::check(side_->session.rcpt_judged(decision_, "0123ABCD"), refused);
  side_->judged = side_->judged || !refused;
  side_->held = side_->held || (ours && action() == core::Action::hold);
}

void Play::end() {
  for (const auto& question : side_->session.end(macros_)) {
    check(question);
    side_->session.end_judged(decision_, "0123ABCD");
    side_->judged = true;
    side_->refused = side_->refused || !core::lets_through(action());
    side_->held = side_->held || action() == core::Action::hold;
  }
  const Ending ending = side_->session.finish();
  ::check(ending.refusal, side_->refused);
  require(ending.quarantine.has_value() == side_->held, "held is what the judge holds");
  require(ending.field.empty() != side_->judged, "what was judged has a field");
  require(ending.field.empty() || ending.field.starts_with("mx.example.net; x-dane-client="), "of ours");
  require(std::ranges::is_sorted(ending.remove, std::greater_equal<>()), "fields are removed from the last on");
  require(!side_->session.in_message(), "and that is the end");
}

void Play::line(char event, std::string_view text) {
  Session& session = side_->session;
  const bool open = session.in_message();
  const std::size_t middle = text.find_first_of("=:");
  const std::string_view front = text.substr(0, middle);
  const std::string_view back = middle == text.npos ? "" : text.substr(middle + 1);
  try {
    switch (event) {
    case 'm': values_.insert_or_assign(std::string(front), back); break;
    case 'c':
      for (Side& side : sides_) // the slot is the latest session's
        side.told = false;
      session.connect({std::string(text), desk().peer.address, desk().peer.port}, macros_);
      break;
    case 'h':
      side_->told = false;
      session.helo(text, macros_);
      break;
    case 'f':
      side_->refused = side_->held = side_->judged = false;
      session.mail(text, macros_);
      break;
    case 'r': rcpt(text); break;
    case 'H': session.header(front, back); break;
    case 'e': end(); break;
    case 'a': session.abort(); break;
    case 'x': session.close(); break;
    case 's': side_ = side_ == sides_.data() ? &sides_[1] : sides_.data(); break;
    case 'p':
      for (Side& side : sides_)
        side.told = true;
      desk().policy_asked(std::string(text), macros_("{tls_version}"));
      break;
    case 't': desk().now += std::chrono::hours{1}; break;
    case 'd':
      decision_.outcome.reason = static_cast<core::Reason>((text.size() > 0 ? text[0] & 31 : 0) % 18);
      decision_.outcome.action = static_cast<core::Action>((text.size() > 1 ? text[1] & 31 : 0) % 5);
      decision_.outcome.mode = text.size() > 2 ? core::Mode::monitor : core::Mode::enforce;
      break;
    default: break;
    }
  } catch (const std::length_error&) { // bounds: the message is deferred
  } catch (const std::logic_error&) {
    require(!open, "an event goes wrong only outside its message");
  }
}

void look_at(const std::string& path) {
  const std::string mailbox = mailbox_of(path);
  require(mailbox.size() <= path.size(), "a mailbox is within its path");
  std::string quoted;
  for (const char c : path)
    quoted.append(c == '"' || c == '\\' ? "\\" : "").append(1, c);
  require(mailbox_of("<\"" + quoted + "\"@acme.example>") == path + "@acme.example", "quotes hide nothing");
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string script = test::text_of(data, size);
  {
    Play play;
    for (const auto text : test::lines_of(script))
      if (!text.empty()) play.line(text.front(), text.substr(1));
    look_at(script.substr(0, script.find('\n')));
  }
  require(desk().join.size() == 0, "nothing is left of sessions that are over");
  return 0;
}
