#include "daemon/service/log_format.h"
#include "tests/support/catch.h"

#include <chrono>
#include <random>
#include <string>

#include <nlohmann/json.hpp>

using danegate::service::append_timestamp;
using danegate::service::LineEncoder;
using danegate::service::without_time;

namespace {

std::string encode(std::string_view value, bool json) {
  std::string out(json ? "{" : "");
  LineEncoder(out, json).text("k", value);
  return json ? out + "}" : out;
}

/// Reads a quoted or plain logfmt value back; \xNN gives the octet.
std::string decode_logfmt(std::string_view text) {
  REQUIRE(text.starts_with("k="));
  text.remove_prefix(2);
  if (!text.starts_with('"')) return std::string(text);
  REQUIRE(text.size() >= 2);
  REQUIRE(text.ends_with('"'));
  text = text.substr(1, text.size() - 2);
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    REQUIRE(text[i] != '"');
    if (text[i] != '\\') {
      value += text[i];
    } else if (text.at(i + 1) == 'x') {
      value += static_cast<char>(std::stoi(std::string(text.substr(i + 2, 2)), nullptr, 16));
      i += 3;
    } else {
      value += text.at(++i);
    }
  }
  return value;
}

std::string random_text(std::mt19937& random, std::size_t length) {
  // Weighted towards what matters: quotes, controls, UTF-8 lead and continuation octets.
  constexpr std::string_view interesting = "\"\\= \n\r\t\x1b\x7f\x80\xbf\xc2\xc0\xe2\xed\xa0\xf0\xf4\xff";
  std::string text;
  while (text.size() < length)
    text += random() % 2 == 0 ? interesting[random() % interesting.size()] : static_cast<char>(random() % 256);
  return text;
}

} // namespace

TEST_CASE("values are escaped so that one line stays one line") {
  struct Row {
    const char* label;
    std::string value;
    std::string logfmt;
    std::string json;
  };

  const Row rows[] = {
      {"empty", "", "k=", R"({"k":""})"},
      {"plain", "mta1.acme.example", "k=mta1.acme.example", R"({"k":"mta1.acme.example"})"},
      {"space", "3 1 1", "k=\"3 1 1\"", R"({"k":"3 1 1"})"},
      {"equals", "a=b", "k=\"a=b\"", R"({"k":"a=b"})"},
      {"quote", "a\"b", R"(k="a\"b")", R"({"k":"a\"b"})"},
      {"backslash", "a\\b", R"(k="a\\b")", R"({"k":"a\\b"})"},
      {"newline", "a\nlevel=error", R"(k="a\x0alevel=error")", R"({"k":"a\u000alevel=error"})"},
      {"nul", std::string("a\0b", 3), R"(k="a\x00b")", R"({"k":"a\u0000b"})"},
      {"escape and del", "\x1b[2J\x7f", R"(k="\x1b[2J\x7f")", R"({"k":"\u001b[2J\u007f"})"},
      {"latin", "m\u00fcller", "k=\"m\u00fcller\"", "{\"k\":\"m\u00fcller\"}"},
      {"four octets", "\U0001f4e7", "k=\"\U0001f4e7\"", "{\"k\":\"\U0001f4e7\"}"},
      {"C1 control", "\u009b2J", R"(k="\xc2\x9b2J")", R"({"k":"\u009b2J"})"},
      {"line separator", "\u2028", R"(k="\xe2\x80\xa8")", R"({"k":"\u2028"})"},
      {"right-to-left override", "\u202e", R"(k="\xe2\x80\xae")", R"({"k":"\u202e"})"},
      {"lone continuation", "\xbf", R"(k="\xbf")", R"({"k":"\ufffd"})"},
      {"latin-1", "m\xfcller", R"(k="m\xfcller")", R"({"k":"m\ufffdller"})"},
      {"overlong slash", "\xc0\xaf", R"(k="\xc0\xaf")", R"({"k":"\ufffd\ufffd"})"},
      {"overlong in three", "\xe0\x80\xaf", R"(k="\xe0\x80\xaf")", R"({"k":"\ufffd\ufffd\ufffd"})"},
      {"surrogate", "\xed\xa0\x80", R"(k="\xed\xa0\x80")", R"({"k":"\ufffd\ufffd\ufffd"})"},
      {"past the last", "\xf4\x90\x80\x80", R"(k="\xf4\x90\x80\x80")", R"({"k":"\ufffd\ufffd\ufffd\ufffd"})"},
      {"unfinished", "a\xe2\x80", R"(k="a\xe2\x80")", R"({"k":"a\ufffd\ufffd"})"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    CHECK(encode(row.value, false) == row.logfmt);
    CHECK(encode(row.value, true) == row.json);
    CHECK(nlohmann::json::accept(encode(row.value, true)));
  }
}

TEST_CASE("one octet that is not plain makes a quoted value, wherever it stands") {
  for (std::size_t length = 1; length <= 50; ++length) {
    const std::string plain(length, 'a');
    CHECK(encode(plain, false) == "k=" + plain);
    CHECK(encode(plain, true) == R"({"k":")" + plain + "\"}");
    for (std::size_t at = 0; at < length; ++at) {
      for (const char odd : std::string_view(" =\"\\\x1f\x7f\x80\xff")) {
        std::string value = plain;
        value[at] = odd;
        INFO(length << " octets, at " << at << ' ' << int{odd});
        const std::string line = encode(value, false);
        CHECK(line.starts_with("k=\""));
        CHECK(decode_logfmt(line) == value);
        CHECK(nlohmann::json::accept(encode(value, true)));
      }
      for (const char edge : std::string_view("!~<>#[]")) {
        std::string value = plain;
        value[at] = edge;
        CHECK(encode(value, false) == "k=" + value);
      }
    }
  }
}

TEST_CASE("long values are cut on a character's boundary") {
  const std::string at_bound(LineEncoder::max_value, 'a');
  CHECK(encode(at_bound, false) == "k=" + at_bound);
  CHECK(encode(at_bound + "a", false) == "k=\"" + at_bound + "\u2026\"");
  CHECK(encode(at_bound + "a", true) == "{\"k\":\"" + at_bound + "\u2026\"}");

  for (std::size_t lead = 0; lead < 4; ++lead) {
    INFO(lead << " octets before characters of four");
    std::string value(lead, 'a');
    while (value.size() <= LineEncoder::max_value)
      value += "\U0001f4e7";
    const std::string kept = decode_logfmt(encode(value, false));
    REQUIRE(kept.ends_with("\u2026"));
    const std::size_t octets = kept.size() - std::string_view("\u2026").size();
    CHECK(octets <= LineEncoder::max_value);
    CHECK(octets > LineEncoder::max_value - 4);
    CHECK((octets - lead) % 4 == 0);
    CHECK(value.starts_with(kept.substr(0, octets)));
  }

  const std::string continuations(LineEncoder::max_value + 9, '\x80');
  CHECK(nlohmann::json::accept(encode(continuations, true)));
  CHECK(encode(continuations, false).size() <= 4 * LineEncoder::max_value + 8);
}

TEST_CASE("whatever octets arrive, the line can be read back") {
  std::mt19937 random(20261122);
  for (int round = 0; round < 3000; ++round) {
    const std::string value = random_text(random, random() % 40);
    const std::string logfmt = encode(value, false);
    CHECK(decode_logfmt(logfmt) == value);
    for (char c : logfmt)
      CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
    const std::string json = encode(value, true);
    CHECK(nlohmann::json::accept(json)); // which checks the UTF-8 as well
    for (char c : json)
      CHECK((static_cast<unsigned char>(c) >= 0x20 && c != 0x7f));
  }
}

TEST_CASE("pairs stand in the order in which they were added") {
  std::string logfmt;
  LineEncoder plain(logfmt, false);
  plain.text("a", "x y");
  plain.number("b", 18446744073709551615U);
  plain.absent("c");
  plain.time("d", std::chrono::system_clock::time_point{});
  CHECK(logfmt == "a=\"x y\" b=18446744073709551615 c= d=1970-01-01T00:00:00.000Z");

  std::string json;
  LineEncoder object(json, true);
  object.text("a", "x y");
  object.number("b", 0);
  object.absent("c");
  object.time("d", std::chrono::system_clock::time_point{});
  CHECK(json == R"("a":"x y","b":0,"c":null,"d":"1970-01-01T00:00:00.000Z")");
}

TEST_CASE("timestamps are UTC with milliseconds") {
  struct Row {
    const char* label;
    std::int64_t milliseconds; // GNU date: date -u -d TEXT +%s%3N
    const char* text;
  };

  const Row rows[] = {
      {"issue's example", 1795322926123, "2026-11-22T04:48:46.123Z"},
      {"leap day", 1835481599999, "2028-02-29T23:59:59.999Z"},
      {"rounds down", 1000000000000, "2001-09-09T01:46:40.000Z"},
      {"century", 4107542400001, "2100-03-01T00:00:00.001Z"},
  };
  for (const Row& row : rows) {
    INFO(row.label);
    std::string text;
    append_timestamp(text, std::chrono::system_clock::time_point(std::chrono::milliseconds(row.milliseconds)));
    CHECK(text == row.text);
  }
}

TEST_CASE("syslog gets lines without their time") {
  CHECK(without_time("time=2026-11-22T04:48:46.123Z level=info event=verdict", false) == "level=info event=verdict");
  CHECK(without_time(R"({"time":"2026-11-22T04:48:46.123Z","level":"info"})", true) == R"({"level":"info"})");
  CHECK(without_time("level=info", false) == "level=info");
  CHECK(without_time(R"({"level":"info"})", true) == R"({"level":"info"})");
  CHECK(without_time("time=", false) == "time=");
}
