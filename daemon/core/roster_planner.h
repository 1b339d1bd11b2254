// Makes a RosterPlan. Internal to roster_plan.cpp and its planner; lives for the length of one RosterPlan::make().
#pragma once

#include "daemon/core/roster_plan.h"

#include <map>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace danegate::core {

class RosterPlanner {
public:
  RosterPlanner(const RuleSet& rules, const Ports& ports, std::shared_ptr<const RosterPlan> previous);

  /// False: too many names, or too many files and templates.
  bool run();

  std::shared_ptr<const RosterPlan> take();

private:
  using Number = RosterPlan::Number;
  using Membership = RosterPlan::Membership;
  using Groups = std::vector<std::uint32_t>; ///< sorted

  /// What one set of identities is for: the groups that each shape's names count for.
  using Uses = std::map<std::uint16_t, Groups>;

  void gather();
  void gather(const Rule& rule, std::size_t rule_index);
  void note(const std::shared_ptr<const IdentitySet>& source, std::size_t rule_index, std::size_t service_index);
  std::optional<std::uint16_t> shape_of(const OwnerTemplate& name, bool keep_case);
  bool add_all(std::uint16_t source, const Uses& uses);
  bool add(const RosterPlan::Entry& wanted, const OwnerName& name, Membership membership);
  void grow_table();
  Membership intern(Groups groups);
  Membership united(Membership a, Membership b);
  void number_the_new();
  void count_groups();

  const RuleSet& rules_;
  std::shared_ptr<RosterPlan> plan_;
  std::shared_ptr<const RosterPlan> previous_;
  std::vector<std::pair<std::shared_ptr<const IdentitySet>, Uses>> uses_;
  std::map<std::string, std::uint16_t> shapes_;
  std::map<Groups, Membership> interned_;
  std::map<std::pair<Membership, Membership>, Membership> unions_;
  std::vector<RosterPlan::Entry> new_; ///< not in previous_: numbered at the end
  std::vector<std::uint32_t> table_;   ///< 1 + place in entries_, or 1 + new_bit + place in new_; 0: free
  std::size_t count_ = 0;
};

} // namespace danegate::core
