// The compiled [[pattern]] tables: RE2 expressions for lines of a site's own making, with the named
// groups user, host, recipient and reason. They are matched against the text that follows the
// timestamp, [pid] and message id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace parsers {

struct PatternSource {
  std::string regex;
  // Removes the double quotes around a group that is one string as Exim's ${quote:} makes it.
  bool dequote = true;
};

struct PatternMatch {
  // nullopt: no such group, or not in this line.
  std::optional<std::string> user, host, recipient, reason;
};

struct PatternError {
  std::size_t index;  // of the pattern in the list
  std::string what;   // names the group, if it is about one; RE2's own words for its syntax
};

class Patterns {
 public:
  static actions::Result<std::shared_ptr<const Patterns>, std::vector<PatternError>> compile(
      const std::vector<PatternSource>& sources);
  ~Patterns();
  Patterns(const Patterns&) = delete;
  Patterns& operator=(const Patterns&) = delete;

  [[nodiscard]] bool empty() const;
  // Returns the first match; nullopt if no pattern matches. Safe from several threads.
  [[nodiscard]] std::optional<PatternMatch> match(std::string_view payload) const;

 private:
  struct Pattern;
  explicit Patterns(std::vector<Pattern> patterns);
  std::vector<Pattern> patterns_;
};

// Undoes ${quote:}: "a \"b\"" with its quotes -> a "b"; anything else as it is. Source: expand.c
// EOP_QUOTE.
[[nodiscard]] std::string dequoted(std::string_view text);

}  // namespace parsers
