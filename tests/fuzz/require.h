// An invariant of a fuzz target: says which one does not hold, and aborts, which is what fuzzers look for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

namespace danegate::test {

inline void require(bool holds, const char* invariant) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", invariant);
  std::abort();
}

} // namespace danegate::test

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
