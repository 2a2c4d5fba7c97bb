// [[pattern]]: lines of a site's own making, told by RE2 with named groups user, host, recipient
// and reason, matched against what follows the stamp, [pid] and message id.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace parsers {

struct PatternSource {
  std::string regex;
  // A group that is one string in double quotes, as Exim's ${quote:} makes it, is taken out of
  // them.
  bool dequote = true;
};

struct PatternMatch {
  std::optional<std::string> user, host, recipient,
      reason;  // nullopt: no such group, or not in this line
};

struct PatternError {
  std::size_t index;  // of the pattern in the list
  std::string what;   // names the group, if it is about one; RE2's own words for its syntax
};

class Patterns {
 public:
  static std::variant<std::shared_ptr<const Patterns>, std::vector<PatternError>> compile(
      const std::vector<PatternSource>& sources);
  ~Patterns();
  Patterns(const Patterns&) = delete;
  Patterns& operator=(const Patterns&) = delete;

  [[nodiscard]] bool empty() const;
  // The first pattern that matches; nullopt: none. Safe from several threads.
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
