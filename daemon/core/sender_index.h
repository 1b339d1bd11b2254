// Which rules may be about a sender, by its domain: what one verdict costs does not grow with rules about others.
#pragma once

#include "daemon/core/mail_address.h"
#include "daemon/core/text_map.h"

#include <cstddef>
#include <span>
#include <vector>

namespace danegate::core {

class SenderIndex {
public:
  /// `number` is the rule's; numbers come in ascending order. No sender at all: the rule is about any.
  void add(std::size_t number, std::span<const AddressPattern> senders);

  /// Every rule that may be about this sender, and some that are not, in ascending order, each once.
  std::vector<std::size_t> candidates(const MailAddress& sender) const;

private:
  using Numbers = std::vector<std::size_t>;
  using ByDomain = TextMap<Numbers>;

  static void put(Numbers& into, std::size_t number);

  Numbers any_;
  Numbers null_;
  ByDomain at_;     ///< that domain, or a mailbox there
  ByDomain within_; ///< that domain and what is below it
};

} // namespace danegate::core
