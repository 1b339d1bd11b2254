#include "daemon/ctl/postfix_findings.h"

#include <set>
#include <utility>

namespace danegate::ctl {

std::vector<Finding> find_in_postfix(const PostfixView& view) {
  std::vector<Finding> found;
  std::set<std::pair<std::string_view, std::string>> said;
  for (auto* const part :
       {find_unasked, find_tls, find_sockets, find_relay, find_proxies, find_stages, find_policy_client, find_milter})
    for (auto& finding : part(view))
      if (said.emplace(finding.id, finding.where() + ' ' + finding.message).second) found.push_back(std::move(finding));
  return found;
}

} // namespace danegate::ctl
