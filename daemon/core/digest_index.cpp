#include "daemon/core/digest_index.h"

#include <bit>
#include <utility>

namespace danegate::core {

void DigestIndex::make_room(std::size_t keys) {
  const auto wanted = std::bit_ceil(keys < 2 ? std::size_t{1} : keys);
  if (wanted <= buckets_.size()) return;
  const auto before = std::exchange(buckets_, std::vector<Node>(wanted, none));
  for (auto leader : before)
    while (leader != none) {
      const auto following = nodes_[leader].next_group;
      auto& bucket = buckets_[bucket_of(nodes_[leader].key)];
      nodes_[leader].next_group = bucket;
      bucket = leader;
      leader = following;
    }
}

DigestIndex::Node DigestIndex::find_group(Key key) const noexcept {
  auto at = buckets_[bucket_of(key)];
  while (at != none && nodes_[at].key != key)
    at = nodes_[at].next_group;
  return at;
}

DigestIndex::Node DigestIndex::add(Key key, std::uint32_t entry, Node others) {
  auto at = free_;
  if (at == none) {
    at = static_cast<Node>(nodes_.size());
    nodes_.emplace_back();
  } else {
    free_ = nodes_[at].next_group;
    --free_count_;
  }
  const auto leader = find_group(key);
  auto& node = nodes_[at];
  node = {key, entry, none, leader, none, others};
  if (leader == none) {
    auto& bucket = buckets_[bucket_of(key)];
    node.next_group = bucket;
    bucket = at;
  } else { // second in its group: the leader stays
    node.next = nodes_[leader].next;
    if (node.next != none) nodes_[node.next].previous = at;
    nodes_[leader].next = at;
  }
  return at;
}

void DigestIndex::remove(Node chain) {
  while (chain != none) {
    const auto sibling = nodes_[chain].sibling;
    remove_one(chain);
    chain = sibling;
  }
}

void DigestIndex::replace_leader(Node leader, Node by) {
  auto* link = &buckets_[bucket_of(nodes_[leader].key)];
  while (*link != leader)
    link = &nodes_[*link].next_group;
  if (by == none) {
    *link = nodes_[leader].next_group;
  } else {
    *link = by;
    nodes_[by].next_group = nodes_[leader].next_group;
    nodes_[by].previous = none;
  }
}

void DigestIndex::remove_one(Node at) {
  auto& node = nodes_[at];
  if (node.previous == none) {
    replace_leader(at, node.next);
  } else {
    nodes_[node.previous].next = node.next;
    if (node.next != none) nodes_[node.next].previous = node.previous;
  }
  node.next_group = free_;
  free_ = at;
  ++free_count_;
}

} // namespace danegate::core
