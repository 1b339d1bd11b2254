// Names that something happened to not long ago. Bounded: past `max_names` the one that it happened to longest ago is
// forgotten. Time is an argument; not thread-safe.
#pragma once

#include "daemon/core/dns_name.h"

#include <chrono>
#include <cstddef>
#include <iterator>
#include <list>
#include <unordered_map>

namespace danegate::core {

class RecentNames {
public:
  using TimePoint = std::chrono::steady_clock::time_point;

  RecentNames(std::chrono::seconds window, std::size_t max_names) : window_(window), max_names_(max_names) {}

  void note(const DnsName& name, TimePoint now) {
    forget_old(now);
    if (const auto found = places_.find(name); found != places_.end()) {
      found->second->until = now + window_;
      entries_.splice(entries_.end(), entries_, found->second);
      return;
    }
    entries_.push_back({name, now + window_});
    places_.emplace(name, std::prev(entries_.end()));
    if (entries_.size() > max_names_) drop_first();
  }

  bool contains(const DnsName& name, TimePoint now) const {
    const auto found = places_.find(name);
    return found != places_.end() && now < found->second->until;
  }

  void clear() {
    places_.clear();
    entries_.clear();
  }

  std::size_t size() const noexcept { return entries_.size(); }

private:
  struct Entry {
    DnsName name;
    TimePoint until;
  };

  void forget_old(TimePoint now) {
    while (!entries_.empty() && entries_.front().until <= now)
      drop_first();
  }

  void drop_first() {
    places_.erase(entries_.front().name);
    entries_.pop_front();
  }

  std::chrono::seconds window_;
  std::size_t max_names_;
  std::list<Entry> entries_; ///< in the order of `until`
  std::unordered_map<DnsName, std::list<Entry>::iterator> places_;
};

} // namespace danegate::core
