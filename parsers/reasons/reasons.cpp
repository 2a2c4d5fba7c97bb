#include "parsers/reasons/reasons.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <utility>

namespace parsers {
namespace {

// For each of the sets, the states of its automaton included.
constexpr std::int64_t kMaxMemory = std::int64_t{12} << 20;

constexpr const char* kUsual[] = {
    "Unrouteable address",
    "SMTP error from remote mail server after RCPT TO:<>: 550 5.1.1 User unknown",
    "SMTP error from remote mail server after RCPT TO:<>: 550 5.1.1 <>: Recipient address "
    "rejected: "
    "User unknown"};

RE2::Options options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // log bytes need not be UTF-8
  options.set_log_errors(false);
  options.set_max_mem(kMaxMemory);
  return options;
}

}  // namespace

struct Reasons::Set {
  RE2::Set regexes{options(), RE2::UNANCHORED};
  std::vector<std::string> names;

  void add(const std::string& name, const std::string& regex, std::vector<ReasonError>& errors) {
    std::string what;
    if (regexes.Add(regex, &what) < 0) {
      errors.push_back({regex, what});
    } else {
      names.push_back(name);
    }
  }
  // Does any match? `no_room`: there is no telling, for want of memory.
  bool matches(const re2::StringPiece& text, bool& no_room) const {
    if (names.empty()) return false;
    RE2::Set::ErrorInfo error{RE2::Set::kNoError};
    const bool any = regexes.Match(text, nullptr, &error);
    no_room = no_room || error.kind != RE2::Set::kNoError;
    return any;
  }
  // The name of the first one that does; empty: none.
  [[nodiscard]] std::string_view first_match(const re2::StringPiece& text) const {
    std::vector<int> found;
    if (names.empty() || !regexes.Match(text, &found)) return {};
    return names[static_cast<std::size_t>(*std::min_element(found.begin(), found.end()))];
  }
};

Reasons::Reasons(std::unique_ptr<Set> missing, std::unique_ptr<Set> other,
                 std::unique_ptr<Set> spam, std::unique_ptr<Set> listed)
    : missing_(std::move(missing)),
      other_(std::move(other)),
      spam_(std::move(spam)),
      listed_(std::move(listed)) {}
Reasons::~Reasons() = default;

actions::Result<std::shared_ptr<const Reasons>, std::vector<ReasonError>> Reasons::compile(
    const std::vector<std::string>& missing, const std::vector<std::string>& other,
    const ReasonCatalog& catalog, const std::vector<std::string>& spam) {
  std::vector<ReasonError> errors;
  const auto set_of = [&](const std::vector<std::string>& wanted, Reason reason) {
    auto set = std::make_unique<Set>();
    for (const auto& pattern : wanted) {
      if (pattern != "default") {
        set->add(pattern, pattern, errors);
        continue;
      }
      for (const auto& known : catalog.patterns) {
        if (known.reason == reason) set->add(known.name, known.regex, errors);
      }
    }
    if (!set->names.empty() && !set->regexes.Compile())
      errors.push_back({"", "the patterns together need too much memory"});
    return set;
  };
  auto missing_set = set_of(missing, Reason::missing);
  auto other_set = set_of(other, Reason::other);
  auto spam_set = set_of(spam, Reason::spam);
  auto listed_set =
      set_of(spam.empty() ? spam : std::vector<std::string>{"default"}, Reason::listed);
  if (!errors.empty()) return errors;
  std::shared_ptr<const Reasons> reasons(new Reasons(std::move(missing_set), std::move(other_set),
                                                     std::move(spam_set), std::move(listed_set)));
  // The states for a text are made when it comes for the first time, which takes as long as to read
  // thousands of lines: for what nearly every log has, while nothing waits yet.
  for (const auto* text : kUsual) (void)reasons->classify(text);
  return reasons;
}

std::shared_ptr<const Reasons> Reasons::defaults() {
  return compile({"default"}, {"default"}).value();
}

Reason Reasons::classify(std::string_view masked) const {
  const re2::StringPiece text(masked.data(), masked.size());
  bool no_room = false;
  if (other_->matches(text, no_room)) return Reason::other;
  // A text that can't be searched for what speaks against it accuses nobody.
  return missing_->matches(text, no_room) && !no_room ? Reason::missing : Reason::unknown;
}

// A text that can't be searched accuses nobody.
bool Reasons::calls_spam(std::string_view masked) const {
  const re2::StringPiece text(masked.data(), masked.size());
  bool no_room = false;
  return spam_->matches(text, no_room) && !listed_->matches(text, no_room) && !no_room;
}

std::string_view Reasons::pattern_for(std::string_view masked) const {
  const re2::StringPiece text(masked.data(), masked.size());
  switch (classify(masked)) {
    case Reason::other:
      return other_->first_match(text);
    case Reason::missing:
      return missing_->first_match(text);
    default:
      return {};
  }
}

Reason ReasonMemory::of(std::string_view text, std::string_view argument, std::string_view sender) {
  if (text.empty()) return answer_to(text);
  const auto slot = text.size() + static_cast<unsigned char>(text.front());
  auto& recent = recent_[slot % recent_.size()];
  if (recent.first == text) return recent.second;
  if (is_masked(text)) {
    recent = {std::string(text), answer_to(text)};
    return recent.second;
  }
  mask_reason(text, argument, sender, masked_);
  if (masked_.is_about_sender()) return Reason::other;
  return answer_to(masked_.text);
}

bool ReasonMemory::calls_spam(std::string_view text, std::string_view argument) {
  mask_reason(text, argument, {}, masked_);
  const auto known = spam_.find(masked_.text);
  if (known != spam_.end()) return known->second;
  if (spam_.size() >= kMaxAnswers) spam_.clear();
  return spam_.emplace(masked_.text, reasons_->calls_spam(masked_.text)).first->second;
}

Reason ReasonMemory::answer_to(std::string_view masked) {
  const auto known = answers_.find(masked);
  if (known != answers_.end()) return known->second;
  if (answers_.size() >= kMaxAnswers) answers_.clear();
  return answers_.emplace(masked, reasons_->classify(masked)).first->second;
}

std::string_view PatternMemory::of(std::string_view text, std::string_view argument,
                                   std::string_view sender) {
  mask_reason(text, argument, sender, masked_);
  if (masked_.is_about_sender()) return "names-the-sender";
  const auto known = answers_.find(masked_.text);
  if (known != answers_.end()) return known->second;
  if (answers_.size() >= kMaxAnswers) answers_.clear();
  return answers_.emplace(masked_.text, reasons_->pattern_for(masked_.text)).first->second;
}

}  // namespace parsers
