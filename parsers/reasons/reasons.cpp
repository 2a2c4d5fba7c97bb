#include "parsers/reasons/reasons.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <utility>

#include "parsers/reasons/reason_text.h"
#include "parsers/reasons/reasons_default.h"

namespace parsers {
namespace {

RE2::Options options() {
  RE2::Options options;
  options.set_case_sensitive(false);
  options.set_encoding(RE2::Options::EncodingLatin1);  // log bytes need not be UTF-8
  options.set_log_errors(false);
  return options;
}

template <std::size_t N>
void add_defaults(const ReasonPattern (&patterns)[N], std::vector<std::string>& out) {
  for (const auto& pattern : patterns) out.emplace_back(pattern.regex);
}

}  // namespace

struct Reasons::Sets {
  RE2::Set missing{options(), RE2::UNANCHORED};
  RE2::Set other{options(), RE2::UNANCHORED};
  bool any_missing = false;
  bool any_other = false;
};

Reasons::Reasons(std::unique_ptr<Sets> sets) : sets_(std::move(sets)) {}
Reasons::~Reasons() = default;

std::variant<std::shared_ptr<const Reasons>, std::vector<ReasonError>> Reasons::compile(
    const std::vector<std::string>& missing, const std::vector<std::string>& other) {
  auto sets = std::make_unique<Sets>();
  std::vector<ReasonError> errors;
  const auto fill = [&](const std::vector<std::string>& wanted, const auto& built_in, RE2::Set& set,
                        bool& any) {
    std::vector<std::string> patterns;
    for (const auto& pattern : wanted) {
      if (pattern == "default") {
        add_defaults(built_in, patterns);
      } else {
        patterns.push_back(pattern);
      }
    }
    for (const auto& pattern : patterns) {
      std::string what;
      if (set.Add(pattern, &what) < 0) errors.push_back({pattern, what});
    }
    any = !patterns.empty();
    if (any && !set.Compile()) errors.push_back({"", "the patterns together need too much memory"});
  };
  fill(missing, kMissing, sets->missing, sets->any_missing);
  fill(other, kOther, sets->other, sets->any_other);
  if (!errors.empty()) return errors;
  return std::shared_ptr<const Reasons>(new Reasons(std::move(sets)));
}

std::shared_ptr<const Reasons> Reasons::defaults() {
  return std::get<0>(compile({"default"}, {"default"}));
}

Reason Reasons::classify(std::string_view masked) const {
  const re2::StringPiece text(masked.data(), masked.size());
  if (sets_->any_other && sets_->other.Match(text, nullptr)) return Reason::other;
  if (sets_->any_missing && sets_->missing.Match(text, nullptr)) return Reason::missing;
  return Reason::unknown;
}

Reason ReasonMemory::of(std::string_view text, std::string_view argument) {
  if (text.empty()) return answer_to(text);
  const auto slot = text.size() + static_cast<unsigned char>(text.front());
  auto& recent = recent_[slot % recent_.size()];
  if (recent.first == text) return recent.second;
  if (is_masked(text)) {
    recent = {std::string(text), answer_to(text)};
    return recent.second;
  }
  mask_reason(text, argument, masked_);
  return answer_to(masked_);
}

Reason ReasonMemory::answer_to(std::string_view masked) {
  const auto known = answers_.find(masked);
  if (known != answers_.end()) return known->second;
  if (answers_.size() >= kMaxAnswers) answers_.clear();
  return answers_.emplace(masked, reasons_->classify(masked)).first->second;
}

}  // namespace parsers
