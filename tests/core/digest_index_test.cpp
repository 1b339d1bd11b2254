// The index against a multimap: whatever is added and removed, both hold the same.
#include "daemon/core/digest_index.h"
#include "tests/support/catch.h"

#include <map>
#include <random>
#include <set>

using danegate::core::DigestIndex;

TEST_CASE("digest index: as a multimap, through growth, sharing and removal") {
  std::mt19937 random(7); // NOLINT: the same run each time
  DigestIndex index;
  std::map<DigestIndex::Key, std::multiset<std::uint32_t>> model;
  std::map<std::uint32_t, std::pair<DigestIndex::Node, std::vector<DigestIndex::Key>>> chains;
  const auto check = [&](DigestIndex::Key key) {
    std::multiset<std::uint32_t> found;
    index.for_each(key, [&](std::uint32_t entry) {
      found.insert(entry);
      return true;
    });
    CHECK(found == model[key]);
  };
  for (int step = 0; step < 20000; ++step) {
    if (step == 5000) index.make_room(64);
    if (step == 9000) index.make_room(4096);
    const auto entry = static_cast<std::uint32_t>(random() % 300);
    auto& chain = chains.try_emplace(entry, DigestIndex::none, std::vector<DigestIndex::Key>{}).first->second;
    if (random() % 3 == 0) {
      index.remove(chain.first);
      for (const auto key : chain.second)
        model[key].erase(model[key].find(entry));
      chain = {DigestIndex::none, {}};
    } else {
      const DigestIndex::Key key = random() % 4 == 0 ? 1 : (random() % 500) << 3U;
      chain.first = index.add(key, entry, chain.first);
      chain.second.push_back(key);
      model[key].insert(entry);
    }
    if (step % 100 == 0)
      for (const auto& [key, entries] : model)
        check(key);
  }
  std::size_t held = 0;
  for (const auto& [key, entries] : model)
    held += entries.size();
  CHECK(index.size() == held);
}

TEST_CASE("digest index: a visit ends when it has seen enough") {
  DigestIndex index;
  for (std::uint32_t entry = 0; entry < 10; ++entry)
    index.add(1, entry, DigestIndex::none);
  int seen = 0;
  index.for_each(1, [&](std::uint32_t) { return ++seen < 3; });
  CHECK(seen == 3);
}
