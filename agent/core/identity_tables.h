// IdentityTables: who is exempt, and which name an id or a host stands for. They stand in files
// beside the configuration and change more often. The edge reads them (table_files.h); the core is
// handed the value.
#pragma once

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "agent/core/config.h"
#include "agent/values/network.h"
#include "agent/values/zone.h"

namespace agent {

// IdentityMap: the name that is charged in place of the id or host that Exim prints, so that one
// mailbox with several ids, or one customer with changing addresses, is counted and listed as one.
class IdentityMap {
 public:
  using Names = std::unordered_map<std::string, std::string>;  // folded key -> name

  // `files`: the names in the file of each map, in the configuration's order; empty where a map has
  // no file.
  IdentityMap(const std::vector<IdentityMapConfig>& maps, std::vector<Names> files);
  IdentityMap() = default;

  [[nodiscard]] bool maps(IdentityKind kind) const;
  // Returns the name that this id or host stands for, never an empty one. If it would be mapped to
  // nothing, or to a name that no list can hold, it stays as it is.
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

// An exemption that ends: a user's, or that of the hosts in a network.
struct ExemptionEnd {
  std::string key;                 // as its file has it; of a user folded
  std::optional<Network> network;  // nullopt: a user's
  Instant until{};
  std::string why;  // what its file says beside the end
  // Returns true if it is what exempts this user, or this host.
  [[nodiscard]] bool covers(std::string_view user) const;
  [[nodiscard]] bool covers(const IpAddress& host) const;
  bool operator==(const ExemptionEnd&) const = default;
};

struct IdentityTables {
  std::unordered_set<std::string> exempt_users;    // folded: those of the config and of its files
  std::unordered_set<std::string> exempt_domains;  // folded
  std::vector<Network> exempt_hosts;
  std::vector<ExemptionEnd> ends;  // of those that end, and have not ended yet
  IdentityMap identities;

  // By its whole name or its domain.
  [[nodiscard]] bool exempts_user(std::string_view id) const;
  // `key`: as in a list, the name of a user or the address of a host.
  [[nodiscard]] bool exempts(std::string_view key) const;

  // Returns the tables of the configuration alone: its files are taken for empty.
  static std::shared_ptr<const IdentityTables> without_files(const Config& config);
};

// Returns what is wrong with an identity_map, like "RE2 says: ..."; "" if RE2 takes both.
[[nodiscard]] std::string rewrite_problem(const std::string& regex, const std::string& rewrite);

}  // namespace agent
