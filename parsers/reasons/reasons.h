// Reasons: which rejection texts mean "no such recipient". Two sets of RE2 patterns, matched
// without regard to case anywhere in the masked text (reason_text.h); `other` wins over `missing`,
// and a text that neither knows is not counted. A third set, beside them, knows what calls a
// message spam. The patterns that "default" stands for are a catalog (reason_catalog.h).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actions/result.h"
#include "parsers/reasons/reason_catalog.h"
#include "parsers/reasons/reason_text.h"
#include "parsers/string_hash.h"

namespace parsers {

struct ReasonError {
  std::string pattern;
  std::string what;  // RE2's own words
};

class Reasons {
 public:
  // The word "default" in a list stands for the patterns of that class in the catalog.
  static actions::Result<std::shared_ptr<const Reasons>, std::vector<ReasonError>> compile(
      const std::vector<std::string>& missing, const std::vector<std::string>& other,
      const ReasonCatalog& catalog = built_in_reasons(),
      const std::vector<std::string>& spam = {"default"});
  static std::shared_ptr<const Reasons> defaults();

  // Both are safe from several threads.
  [[nodiscard]] Reason classify(std::string_view masked) const;
  // Returns true if a remote server's answer calls the message, or what it links to, spam, whatever
  // classify() says; false if it is about the host that sends it.
  [[nodiscard]] bool calls_spam(std::string_view masked) const;
  // Returns the first pattern that gives a text the meaning that classify() returns: its name in
  // the catalog, or the regex if it is the site's own; empty if the text is unknown. Slower than
  // classify(). The view lives as long as this object.
  [[nodiscard]] std::string_view pattern_for(std::string_view masked) const;

  Reasons(const Reasons&) = delete;
  Reasons& operator=(const Reasons&) = delete;
  ~Reasons();

 private:
  struct Set;
  Reasons(std::unique_ptr<Set> missing, std::unique_ptr<Set> other, std::unique_ptr<Set> spam,
          std::unique_ptr<Set> listed);
  std::unique_ptr<Set> missing_, other_, spam_, listed_;
};

// ReasonMemory: masks, classifies and remembers: servers say the same few things over and over.
class ReasonMemory {
 public:
  explicit ReasonMemory(std::shared_ptr<const Reasons> reasons) : reasons_(std::move(reasons)) {}
  // `argument` of RCPT as logged; `sender` of the envelope, empty if it has none or is not known.
  Reason of(std::string_view text, std::string_view argument, std::string_view sender = {});
  // Reasons::calls_spam() of a text as it is logged.
  bool calls_spam(std::string_view text, std::string_view argument);

 private:
  static constexpr std::size_t kMaxAnswers = 4096;  // then all are forgotten
  Reason answer_to(std::string_view masked);

  std::shared_ptr<const Reasons> reasons_;
  StringMap<Reason> answers_;
  StringMap<bool> spam_;
  // The last ones that held nothing to be cut out, found by their length and first letter.
  std::array<std::pair<std::string, Reason>, 16> recent_{};
  MaskedReason masked_;
};

// Names the first pattern that gives a text the meaning that ReasonMemory returns, for people.
// Remembers answers likewise.
class PatternMemory {
 public:
  explicit PatternMemory(std::shared_ptr<const Reasons> reasons) : reasons_(std::move(reasons)) {}
  // Returns an empty view if no pattern knows the text, and "names-the-sender" if the text names
  // the sender and not the recipient. The view lives as long as this object.
  std::string_view of(std::string_view text, std::string_view argument, std::string_view sender);

 private:
  static constexpr std::size_t kMaxAnswers = 4096;  // then all are forgotten
  std::shared_ptr<const Reasons> reasons_;
  std::unordered_map<std::string, std::string_view> answers_;
  MaskedReason masked_;
};

}  // namespace parsers
