// From a digest to the entries whose records hold it: how a roster recognises a client that claims no name.
//
// A multimap from keys to entry numbers that never moves what it holds. Entries of one key form a group, so that a
// digest which a hundred thousand identities share costs nobody else a search; adding and removing take constant time
// however large a group is. Keys are hashes of digests: a hit is a candidate, and the records have the last word.
//
// Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

namespace danegate::core {

class DigestIndex {
public:
  using Key = std::uint64_t;
  using Node = std::uint32_t;
  static constexpr Node none = UINT32_MAX;

  /// For about so many keys; takes time in proportion to what is held, so it is called before there is much.
  void make_room(std::size_t keys);

  /// Adds (key, entry). `others`: the entry's chain so far, or none. Returns its new chain.
  Node add(Key key, std::uint32_t entry, Node others);

  /// Removes all of one chain.
  void remove(Node chain);

  /// Calls `visit(entry)` for the entries of a key until it says false.
  template <typename Visit>
  void for_each(Key key, const Visit& visit) const {
    for (auto at = find_group(key); at != none; at = nodes_[at].next)
      if (!visit(nodes_[at].entry)) return;
  }

  std::size_t size() const noexcept { return nodes_.size() - free_count_; }

private:
  struct Link {
    Key key;
    std::uint32_t entry;
    Node next;       ///< in its group
    Node previous;   ///< in its group; none: it leads
    Node next_group; ///< of a leader: in its bucket. Of a free node: the next free one
    Node sibling;    ///< in its entry's chain
  };

  std::size_t bucket_of(Key key) const noexcept { return static_cast<std::size_t>(key) & (buckets_.size() - 1); }

  Node find_group(Key key) const noexcept;
  void remove_one(Node at);
  void replace_leader(Node leader, Node by);

  std::deque<Link> nodes_;
  std::vector<Node> buckets_ = std::vector<Node>(1, none); ///< leaders; the size is a power of two
  Node free_ = none;
  std::size_t free_count_ = 0;
};

} // namespace danegate::core
