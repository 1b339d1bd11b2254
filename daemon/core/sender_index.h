// Which rules may be about a sender, by its domain: what one verdict costs does not grow with rules about others.
#pragma once

#include "daemon/core/dns_name.h"
#include "daemon/core/mail_address.h"
#include "daemon/core/text_map.h"

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <vector>

namespace danegate::core {

class SenderIndex {
public:
  /// `number` is the rule's; numbers come in ascending order. No sender at all: the rule is about any.
  void add(std::size_t number, std::span<const AddressPattern> senders);

  /// Every rule that may be about one sender, and some that are not, in ascending order, each once. Merged as they are
  /// asked for: a verdict looks at few of them. Valid while the index and the sender live.
  class Candidates {
  public:
    /// nullopt: there are no more.
    std::optional<std::size_t> next() noexcept;

  private:
    friend class SenderIndex;

    struct Rest {
      const std::size_t* begin;
      const std::size_t* end;
    };

    void add(const std::vector<std::size_t>& numbers) noexcept {
      if (!numbers.empty()) lists_[count_++] = {numbers.data(), numbers.data() + numbers.size()};
    }

    /// The sender's domain and those above it, and the lists of all.
    static constexpr std::size_t max_lists = DnsName::max_length / 2 + 4;

    std::array<Rest, max_lists> lists_; ///< only the first `count_` are set
    std::size_t count_ = 0;
  };

  Candidates candidates(const MailAddress& sender) const noexcept;

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
