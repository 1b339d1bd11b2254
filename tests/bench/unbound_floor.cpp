// unbound_floor ANCHOR-FILE STUB-SERVER IN-FLIGHT FILE: what libunbound alone takes for names, with danegated's
// settings and in danegated's way (a thread of its own, answers through its descriptor), as the measure of danegated's
// lookups.
//
// FILE holds owner names, one a line; their TLSA records are asked for, IN-FLIGHT at a time. The first is not counted:
// it fetches the delegation and the keys. Prints one line of JSON: seconds in all, and quantiles in microseconds. Exit
// status 1 where an answer is not secure.
#include "daemon/core/resolver_settings.h"
#include "daemon/dns/unbound_options.h"
#include "tests/bench/latencies.h"
#include "tests/bench/sockets.h"

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include <poll.h>
#include <unbound.h>

namespace {

using danegate::bench::die;
using danegate::bench::now;

constexpr int type_tlsa = 52;
constexpr int class_in = 1;

struct Run {
  ub_ctx* context = nullptr;
  std::vector<std::string> names;
  std::vector<std::uint64_t> begun;
  std::size_t next = 0;
  std::size_t done = 0;
  danegate::bench::Latencies times;
};

struct Asked {
  Run* run;
  std::size_t number;
};

void ask(Run& run);

extern "C" void take_answer(void* data, int status, ub_result* result) {
  auto* const asked = static_cast<Asked*>(data);
  Run& run = *asked->run;
  if (status != 0 || result == nullptr || result->secure == 0 || result->havedata == 0) die("no secure answer");
  if (asked->number > 0) run.times.note(now() - run.begun[asked->number]);
  ++run.done;
  ub_resolve_free(result);
  delete asked;
  if (run.done > 1) ask(run);
}

void ask(Run& run) {
  if (run.next == run.names.size()) return;
  const std::size_t number = run.next++;
  run.begun[number] = now();
  if (ub_resolve_async(run.context, run.names[number].c_str(), type_tlsa, class_in, new Asked{&run, number},
                       take_answer, nullptr) != 0)
    die("ub_resolve_async");
}

void work_until(Run& run, std::size_t done) {
  pollfd ready{ub_fd(run.context), POLLIN, 0};
  while (run.done < done) {
    if (::poll(&ready, 1, 30'000) <= 0) die("no answer for 30 seconds");
    if (ub_process(run.context) != 0) die("ub_process");
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fputs("usage: unbound_floor ANCHOR-FILE STUB-SERVER IN-FLIGHT FILE\n", stderr);
    return 64;
  }
  Run run;
  std::ifstream file(argv[4]);
  for (std::string name; std::getline(file, name);)
    run.names.push_back(name);
  run.begun.resize(run.names.size());

  danegate::core::Upstream server;
  server.address = argv[2];
  server.loopback = true;
  danegate::core::ResolverSettings settings;
  settings.stub_zones = {{".", {server}}};
  const auto made = danegate::dns::make_options(settings);
  run.context = ub_ctx_create();
  if (run.context == nullptr || ub_ctx_async(run.context, 1) != 0) die("ub_ctx_create");
  for (const auto& [option, value] : made.options)
    if (ub_ctx_set_option(run.context, option.c_str(), value.c_str()) != 0) die(option.c_str());
  for (const auto& [zone, address] : made.stubs)
    if (ub_ctx_set_stub(run.context, zone.c_str(), address.c_str(), 0) != 0) die("stub");
  if (ub_ctx_add_ta_file(run.context, argv[1]) != 0) die("anchor");

  ask(run);
  work_until(run, 1);
  const auto begin = now();
  for (int i = 0; i < std::stoi(argv[3]); ++i)
    ask(run);
  work_until(run, run.names.size());
  const double seconds = static_cast<double>(now() - begin) / 1e9;
  std::printf(R"({"seconds":%.4f,"replies":%zu,)", seconds, run.names.size() - 1);
  run.times.print_json();
  std::puts("}");
  ub_ctx_delete(run.context);
}
