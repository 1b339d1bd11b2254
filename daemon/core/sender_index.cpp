#include "daemon/core/sender_index.h"

#include <algorithm>
#include <string_view>

namespace danegate::core {

void SenderIndex::put(Numbers& into, std::size_t number) {
  if (into.empty() || into.back() != number) into.push_back(number);
}

void SenderIndex::add(std::size_t number, std::span<const AddressPattern> senders) {
  if (senders.empty()) put(any_, number);
  for (const auto& sender : senders) {
    switch (sender.kind()) {
    case AddressPattern::Kind::domain:
    case AddressPattern::Kind::mailbox: put(at_[sender.domain()->text()], number); break;
    case AddressPattern::Kind::subtree: put(within_[sender.domain()->text()], number); break;
    case AddressPattern::Kind::null_sender: put(null_, number); break;
    case AddressPattern::Kind::local_part: put(any_, number); break;
    }
  }
}

std::vector<std::size_t> SenderIndex::candidates(const MailAddress& sender) const {
  std::vector<std::size_t> found(any_);
  const auto take = [&found](const ByDomain& from, std::string_view domain) {
    const auto here = from.find(domain);
    if (here != from.end()) found.insert(found.end(), here->second.begin(), here->second.end());
  };
  if (sender.is_null()) found.insert(found.end(), null_.begin(), null_.end());
  if (sender.domain) {
    std::string_view domain = sender.domain->text();
    take(at_, domain);
    take(within_, domain);
    for (auto dot = domain.find('.'); dot != std::string_view::npos && !within_.empty(); dot = domain.find('.')) {
      domain.remove_prefix(dot + 1);
      take(within_, domain);
    }
  }
  std::ranges::sort(found);
  const auto again = std::ranges::unique(found);
  found.erase(again.begin(), again.end());
  return found;
}

} // namespace danegate::core
