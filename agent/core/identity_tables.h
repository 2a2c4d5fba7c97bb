// What stands in files beside the configuration and changes more often: who is exempt, and who an
// id or a host stands for. As a value: the core is handed one, the edge reads it (table_files.h).
#pragma once

#include <re2/re2.h>

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/network.h"

namespace agent {

// Who is charged in place of the id or host that Exim prints, so that one mailbox with several ids,
// or one customer with changing addresses, is counted and listed as one.
class IdentityMap {
 public:
  using Names = std::unordered_map<std::string, std::string>;  // folded key -> name

  // `files`: what the file of each map holds, in the config's order; empty where it has none.
  IdentityMap(const std::vector<IdentityMapConfig>& maps, std::vector<Names> files);
  IdentityMap() = default;

  [[nodiscard]] bool maps(IdentityKind kind) const;
  // The name, never empty: what would be mapped to nothing, or to a name that no list can hold,
  // stays as it is.
  [[nodiscard]] std::string name(IdentityKind kind, std::string_view printed) const;

 private:
  struct Step {
    IdentityKind kind;
    std::shared_ptr<const RE2> regex;  // null: none
    std::string rewrite;
    Names names;
  };
  std::vector<Step> steps_;
};

struct IdentityTables {
  std::unordered_set<std::string> exempt_users;    // folded: those of the config and of its files
  std::unordered_set<std::string> exempt_domains;  // folded
  std::vector<Network> exempt_hosts;
  IdentityMap identities;

  // By its whole name or its domain.
  [[nodiscard]] bool exempts_user(std::string_view id) const;
  // As the key of a list: the name of a user, or the address of a host.
  [[nodiscard]] bool exempts(std::string_view key) const;

  // Of the configuration alone, with its files taken for empty.
  static std::shared_ptr<const IdentityTables> without_files(const Config& config);
};

// "" if RE2 takes both, else what is wrong: "RE2 says: ...".
[[nodiscard]] std::string rewrite_problem(const std::string& regex, const std::string& rewrite);

}  // namespace agent
