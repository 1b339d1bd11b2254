// Any text as the value of an Authentication-Results field.
#include "daemon/core/dns_name.h"
#include "milter/auth_results.h"
#include "tests/fuzz/require.h"
#include "tests/fuzz/text.h"
#include "tests/support/fake_idna.h"

#include <string>

using namespace danegate::milter;
using danegate::test::fake_to_ascii;
using danegate::test::require;

namespace {

bool goes(std::string_view value, Removal policy) {
  return is_to_be_removed(value, "mx.example.net", policy, fake_to_ascii);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string value(data, data + size);
  const auto parsed = parse_auth_results(value);
  const bool own = goes(value, Removal::own);
  require(!own || goes(value, Removal::all), "what goes with own goes with all");
  require(own == goes(danegate::test::shouted(value), Removal::own), "letter case does not count");
  if (value.size() + 6 < max_auth_results)
    require(parsed.has_value() == parse_auth_results(value + " (c)\n ").has_value(),
            "a comment behind changes nothing");
  if (parsed && danegate::core::DnsName::parse(parsed->authserv_id))
    require(own <= danegate::core::ascii_lower(parsed->authserv_id).starts_with("mx.example.net"),
            "foreign fields stay");
  const auto policy = size % 2 == 0 ? Removal::own : Removal::all; // one of them, for speed
  require(goes("mx.example.net; x-dane-client=pass " + value, policy), "nothing behind saves a forged result");
  require(goes("\"mx.example.net\"(" + value + "); x-dane-client=pass", policy), "nor a comment within");
  require(goes("MX.example.net 1;" + value + "; X-Dane-Client / 7 = pass", policy), "nor anything before");
  return 0;
}
