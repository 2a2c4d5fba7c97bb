// Limits: the limit of each identity under one rule: the rule's own, or that of the first
// [[rule.override]] that fits the identity.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/config.h"
#include "agent/values/network.h"
#include "parsers/string_hash.h"

namespace agent {

class Limits {
 public:
  explicit Limits(const Rule& rule);

  // `folded`: as in a subject's key (relays: an address, a network, or the name it stands for).
  [[nodiscard]] std::uint32_t of(std::string_view folded) const {
    return limits_.empty() ? limit_ : overridden(folded);
  }
  // Returns true if an override gives the limit.
  [[nodiscard]] bool is_own(std::string_view folded) const;
  [[nodiscard]] std::uint32_t highest() const;

 private:
  static constexpr std::size_t kNone = SIZE_MAX;
  [[nodiscard]] std::size_t which(std::string_view folded) const;
  [[nodiscard]] std::uint32_t overridden(std::string_view folded) const;

  using Names = parsers::StringMap<std::size_t>;

  std::uint32_t limit_;
  std::vector<std::uint32_t> limits_;  // of the overrides
  Names users_, domains_;              // folded; to the index of the first override that has it
  std::vector<std::pair<Network, std::size_t>> hosts_;
};

}  // namespace agent
