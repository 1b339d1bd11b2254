// Values of From against what Python's email package reads in them (tests/data/make-from-vectors).
#include "milter/from_field.h"
#include "tests/support/catch.h"
#include "tests/support/fake_idna.h"
#include "tests/support/vector_table.h"

#include <string>

using namespace danegate;

namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char c = text.at(++i);
    out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
  }
  return out;
}

} // namespace

TEST_CASE("From: what Python's email package reads") {
  const auto rows = test::read_table("from/addresses.txt", 2);
  CHECK(rows.size() > 150);
  for (const auto& row : rows) {
    CAPTURE(row[0]);
    const auto from = milter::read_from(unescaped(row[0]), std::nullopt, test::fake_to_ascii);
    CHECK(from.unreadable.empty());
    std::string addresses;
    for (const auto& address : from.addresses)
      addresses += (addresses.empty() ? "" : " ") + address.text();
    CHECK(addresses == unescaped(row[1]));
  }
}
