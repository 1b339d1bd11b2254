#include "daemon/dns/idna.h"
#include "milter/auth_results.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace danegate::milter;
using namespace std::string_literals;

namespace {

enum class Fate { stays, goes, goes_with_all };

struct Case {
  const char* label;
  std::string value;
  Fate fate;
};

void check(const std::vector<Case>& cases, const char* authserv_id = "mx.example.net") {
  for (const Case& c : cases) {
    INFO(c.label);
    const auto goes = [&](Removal policy) {
      return is_to_be_removed(c.value, authserv_id, policy, danegate::dns::to_ascii);
    };
    CHECK(goes(Removal::own) == (c.fate == Fate::goes));
    CHECK(goes(Removal::all) == (c.fate != Fate::stays));
  }
}

} // namespace

TEST_CASE("fields under our id") {
  check({
      {"forged", "mx.example.net; x-dane-client=pass", Fate::goes},
      {"any result", "mx.example.net; x-dane-client=fail", Fate::goes},
      {"unknown result", "mx.example.net; x-dane-client=superb", Fate::goes},
      {"case of the id", "MX.Example.NET; x-dane-client=pass", Fate::goes},
      {"case of the method", "mx.example.net; X-DANE-Client=pass", Fate::goes},
      {"trailing dot", "mx.example.net.; x-dane-client=pass", Fate::goes},
      {"version", "mx.example.net 1; x-dane-client=pass", Fate::goes},
      {"unsupported version", "mx.example.net 2; x-dane-client=pass", Fate::goes},
      {"method version", "mx.example.net; x-dane-client/1=pass", Fate::goes},
      {"another method version", "mx.example.net; x-dane-client (c) / 99 = pass", Fate::goes},
      {"quoted id", "\"mx.example.net\"; x-dane-client=pass", Fate::goes},
      {"quoted pairs in the id", "\"m\\x.e\\xample.net\"; x-dane-client=pass", Fate::goes},
      {"white space in the quoted id", "\" mx.example.net\t\"; x-dane-client=pass", Fate::goes},
      {"folded quoted id", "\"mx.\n example.net\"; x-dane-client=pass", Fate::goes},
      {"; in the quoted id", "\"mx.example.net;\"; x-dane-client=pass", Fate::goes},
      {"all of it in the quoted id", "\"mx.example.net; x-dane-client=pass\"; none", Fate::goes},
      {"comment before the id", "(other.example;) mx.example.net; x-dane-client=pass", Fate::goes},
      {"folded", "\n mx.example.net\n ;\r\n x-dane-client=pass", Fate::goes},
      {"soft hyphen in the id", "mx.exa\u00admple.net; x-dane-client=pass", Fate::goes},
      {"fullwidth id", "ｍｘ.example.net; x-dane-client=pass", Fate::goes},
      {"ideographic dot in the id", "mx。example.net; x-dane-client=pass", Fate::goes},
      {"no-break space behind the id", "mx.example.net\u00a0; x-dane-client=pass", Fate::goes},
      {"with spf", "mx.example.net; spf=pass smtp.mailfrom=a.example; x-dane-client=pass", Fate::goes},
      {"before spf", "mx.example.net; x-dane-client=pass; spf=pass smtp.mailfrom=a.example", Fate::goes},
      {"claim in a reason", "mx.example.net; spf=pass reason=\"x-dane-client=pass\"", Fate::goes},
      {"claim in a reason, parted", "mx.example.net; spf=pass reason=\"x-dane-\\client\n = pass\"", Fate::goes},
      {"claim in a value", "mx.example.net; spf=pass smtp.mailfrom=x-dane-client=pass@evil.example", Fate::goes},
      {"claim as a property", "mx.example.net; spf=pass policy.x-dane-client=pass", Fate::goes},
      {"claim with a version", "mx.example.net; spf=pass reason=\"x-dane-client/1=pass\"", Fate::goes},
      {"claim behind a mention", "mx.example.net; spf=pass reason=\"x-dane-client x-dane-client=pass\"", Fate::goes},
      {"mention in a value", "mx.example.net; spf=fail smtp.mailfrom=x-dane-client@evil.example", Fate::goes_with_all},
      {"mention as a result", "mx.example.net; spf=x-dane-client policy.a=pass", Fate::goes_with_all},
      {"claim in a comment", "mx.example.net; spf=pass (x-dane-client=pass)", Fate::goes_with_all},
      {"spf", "mx.example.net; spf=pass smtp.mailfrom=a.example", Fate::goes_with_all},
      {"spf, unsupported version", "mx.example.net 2; spf=pass", Fate::goes_with_all},
      {"none", "mx.example.net; none", Fate::goes_with_all},
      {"a longer method", "mx.example.net; x-dane-client2=pass", Fate::goes_with_all},
      {"a longer method before", "mx.example.net; xx-dane-client-x=pass", Fate::goes_with_all},
  });
}

TEST_CASE("fields of other ids stay if they parse, whatever they say") {
  check({
      {"our method", "mx.other.example; x-dane-client=pass", Fate::stays},
      {"our id in a value", "mx.other.example; spf=pass smtp.helo=mx.example.net", Fate::stays},
      {"our id in a comment", "mx.other.example (mx.example.net); x-dane-client=pass", Fate::stays},
      {"below ours", "a.mx.example.net; x-dane-client=pass", Fate::stays},
      {"above ours", "example.net; x-dane-client=pass", Fate::stays},
      {"ours as a beginning", "mx.example.net.other.example; x-dane-client=pass", Fate::stays},
      {"ours glued to a version", "mx.example.net1; x-dane-client=pass", Fate::stays},
      {"quoted", "\"mx.other.example\"; x-dane-client=pass", Fate::stays},
      {"quoted, no token", "\"the mail server\"; x-dane-client=pass", Fate::stays},
      {"UTF-8", "mx.bücher.example; x-dane-client=pass", Fate::stays},
      {"a claim in a reason", "mx.other.example; spf=pass reason=\"mx.example.net; x-dane-client=pass\"", Fate::stays},
  });
}

TEST_CASE("fields that cannot be parsed") {
  check({
      {"method quoted", "mx.example.net; \"x-dane-client\"=pass", Fate::goes},
      {"method parted by a comment", "mx.example.net; x-dane(c)-client=pass", Fate::goes},
      {"by a nested comment", "mx.example.net; x-dane((c)c)-client=pass", Fate::goes},
      {"by a comment with a quoted parenthesis", "mx.example.net; x-dane(\\))-client=pass", Fate::goes},
      {"by a comment behind an open one", "mx.example.net ( ; x-dane(c)-client=pass", Fate::goes},
      {"by a comment behind a quoted open one", "mx.example.net; \"(\" x-dane(c)-client=pass", Fate::goes},
      {"by folding", "mx.example.net; x-dane-\n client=pass", Fate::goes},
      {"by folding and CR", "mx.example.net; x-dane-\r\n\tclient=pass", Fate::goes},
      {"by no folding", "mx.example.net; x-dane-\nclient=pass", Fate::goes},
      {"by a lone CR", "mx.example.net; x-dane-\rclient=pass", Fate::goes},
      {"by a quoted pair", "mx.example.net; x-dane\\-client=pass", Fate::goes},
      {"by quotes", "mx.example.net; x-\"dane\"-client=pass", Fate::goes},
      {"by NUL", "mx.example.net; x-dane-\0client=pass"s, Fate::goes},
      {"by a control character",
       "mx.example.net; x-dane-\x01"
       "client=pass",
       Fate::goes},
      {"by a zero-width space", "mx.example.net; x-dane-\u200bclient=pass", Fate::goes},
      {"by a no-break space", "mx.example.net; x-dane-\u00a0client=pass", Fate::goes},
      {"case", "mx.example.net; \"X-Dane-CLIENT\"=pass", Fate::goes},
      {"behind NUL", "mx.example.net; none\0; x-dane-client=pass"s, Fate::goes},
      {"NUL in the id", "mx\0.example.net; x-dane-client=pass"s, Fate::goes},
      {"in an open comment", "mx.example.net; none (x-dane-client=pass", Fate::goes},
      {"in an open quote", "mx.example.net; none \"x-dane-client=pass", Fate::goes},
      {"in a comment of a broken field", "mx.example.net; spf (x-dane-client)", Fate::goes},
      {"without an id", "x-dane-client=pass", Fate::goes},
      {"id parted by a comment", "mx.(c)example.net; x-dane-client=pass", Fate::goes},
      {"id with a slash", "mx.example.net/1; x-dane-client=pass", Fate::goes},
      {"two ids", "mx.other.example mx.example.net; x-dane-client=pass", Fate::goes},
      {"a foreign one that speaks of us", "mx.other.example; dkim=pass header.b=a/b; x-dane-client=pass", Fate::goes},
      {"Latin-1", "mx.example.net; x-dane-client=pass reason=\"\xfc\"", Fate::goes},
      {"too long", "mx.example.net; spf=pass" + std::string(max_auth_results, ' ') + "; x-dane-client=pass",
       Fate::goes},
      {"too long, of one letter", std::string(max_auth_results, 'x') + "-dane-client", Fate::goes},
      {"ours, of others", "mx.example.net; dkim=pass header.b=a/b", Fate::goes_with_all},
      {"our id in quotes", "\"mx.exa\\mple.net\"; dkim", Fate::goes_with_all},
      {"our id parted by a comment", "mx.(c)example.net; none", Fate::goes_with_all},
      {"our id in capitals", "MX.EXAMPLE.NET; dkim", Fate::goes_with_all},
      {"our id with a soft hyphen", "mx.exam\u00adple.net; dkim", Fate::goes_with_all},
      {"our id in fullwidth letters", "ｍｘ.example.net; dkim", Fate::goes_with_all},
      {"our id anywhere", "mx.other.example; dkim=pass header.b=a/b smtp.helo=mx.example.net", Fate::goes_with_all},
      {"more names than are converted",
       [] {
         std::string value = "broken";
         for (std::size_t i = 0; i < 2000; ++i)
           value += " \u00e4" + std::to_string(i);
         return value;
       }(),
       Fate::goes_with_all},
      {"foreign and broken", "mx.other.example; dkim=pass header.b=a/b", Fate::stays},
      {"without an id, of others", "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example", Fate::stays},
      {"empty", "", Fate::stays},
      {"too long, of others", std::string(2 * max_auth_results, ' '), Fate::stays},
      {"similar text", "x-dane-clie; nt=pass", Fate::stays},
  });
}

TEST_CASE("an internationalised id") {
  const std::vector<Case> cases{
      {"U-label", "mx.bücher.example; x-dane-client=pass", Fate::goes},
      {"U-label, case", "mx.BÜCHER.example; x-dane-client=pass", Fate::goes},
      {"decomposed", "mx.bu\u0308cher.example; x-dane-client=pass", Fate::goes},
      {"A-label", "mx.xn--bcher-kva.example; x-dane-client=pass", Fate::goes},
      {"A-label, case", "MX.XN--BCHER-KVA.example; x-dane-client=pass", Fate::goes},
      {"quoted", "\"mx.bücher.example\"; x-dane-client=pass", Fate::goes},
      {"another", "mx.bucher.example; x-dane-client=pass", Fate::stays},
      {"another U-label", "mx.büchner.example; x-dane-client=pass", Fate::stays},
      {"spf", "mx.bücher.example; spf=pass", Fate::goes_with_all},
      {"broken", "mx.BÜCHER.example; spf", Fate::goes_with_all},
      {"broken, A-label", "mx.xn--bcher-kva.example; spf", Fate::goes_with_all},
  };
  check(cases, "mx.bücher.example");
  check(cases, "MX.xn--bcher-kva.EXAMPLE.");
}

TEST_CASE("an id that is no name") {
  check({{"the same", "Gateway_#1; x-dane-client=pass", Fate::goes},
         {"quoted", "\"gateway_#1\"; x-dane-client=pass", Fate::goes},
         {"trailing dots", "gateway_#1..; x-dane-client=pass", Fate::goes},
         {"another", "gateway_#2; x-dane-client=pass", Fate::stays}},
        "gateway_#1");
  check({{"quoted with a space", "\"our gateway\"; x-dane-client=pass", Fate::goes},
         {"white space does not count", "\"our  gateway\"; x-dane-client=pass", Fate::goes},
         {"another", "our; x-dane-client=pass", Fate::stays}},
        "our gateway");
}

TEST_CASE("nothing is under an empty id") {
  check({{"parsed", "mx.example.net; x-dane-client=pass", Fate::stays},
         {"empty too", "\"\"; x-dane-client=pass", Fate::stays},
         {"broken", "mx.example.net; dkim", Fate::stays},
         {"broken, of us", "mx.example.net; \"x-dane-client\"", Fate::goes}},
        "");
}
