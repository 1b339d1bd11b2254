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

SenderIndex::Candidates SenderIndex::candidates(const MailAddress& sender) const noexcept {
  Candidates found;
  const auto take = [&found](const ByDomain& from, std::string_view domain) {
    const auto here = from.find(domain);
    if (here != from.end()) found.add(here->second);
  };
  found.add(any_);
  if (sender.is_null()) found.add(null_);
  if (sender.domain) {
    std::string_view domain = sender.domain->text();
    take(at_, domain);
    take(within_, domain);
    for (auto dot = domain.find('.'); dot != std::string_view::npos && !within_.empty(); dot = domain.find('.')) {
      domain.remove_prefix(dot + 1);
      take(within_, domain);
    }
  }
  return found;
}

std::optional<std::size_t> SenderIndex::Candidates::next() noexcept {
  const std::span in_use(lists_.data(), count_);
  std::optional<std::size_t> least;
  for (const Rest& rest : in_use)
    if (rest.begin != rest.end) least = std::min(least.value_or(*rest.begin), *rest.begin);
  for (Rest& rest : in_use)
    if (rest.begin != rest.end && *rest.begin == least) ++rest.begin;
  return least;
}

} // namespace danegate::core
