// BlockTerms: when blocks end by themselves. It keeps the ends of the blocks under way in their
// order, and says how long the next block of an identity lasts. Pure.
#pragma once

#include <compare>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/core/rule_table.h"
#include "agent/core/subject.h"

namespace agent {

// The end of one block that ends by itself.
struct BlockEnd {
  Instant until{};
  std::size_t list = 0;
  std::string key;  // folded
  // clang-tidy 14 sees a 0 in what the compiler makes of it. NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const BlockEnd&) const = default;
};

class BlockTerms {
 public:
  // Begins the next block of a subject: gives `decision` its end, and its number in a row. Does
  // nothing for a rule without block_for; a trial always ends. `key` is folded, here and below.
  void start(Subject& subject, std::string_view key, const RuleState& state, Decision& decision);
  // Changes the end of the block under way; nullopt: it does not end by itself.
  void set_end(Subject& subject, std::string_view key, std::size_t list,
               std::optional<Instant> until);
  // The block under way has reached its end.
  void finish(BlockTerm& term, std::string_view key);
  // Somebody has freed the subject: its next block is the first one again.
  void forget(Subject& subject, std::string_view key, std::size_t list);
  void forget(const BlockEnd& end) { ends_.erase(end); }
  // Takes the ends from the subjects' terms.
  void restore(const Subjects& subjects);

  // Returns the ends up to `now`, the earliest first.
  [[nodiscard]] std::vector<BlockEnd> due(Instant now) const;
  [[nodiscard]] std::optional<Instant> next() const;

 private:
  void unlist(const BlockTerm& term, std::string_view key);

  std::set<BlockEnd> ends_;
};

}  // namespace agent
