#include "parsers/entries/patterns.h"

#include <re2/re2.h>

#include <algorithm>
#include <array>
#include <utility>

#include "parsers/entries/pattern_risk.h"

namespace parsers {
namespace {

constexpr std::array<std::string_view, 4> kGroups{"user", "host", "recipient", "reason"};

std::unique_ptr<RE2> compile_one(const std::string& regex) {
  RE2::Options options;
  options.set_encoding(RE2::Options::EncodingLatin1);  // log bytes need not be UTF-8
  options.set_log_errors(false);
  return std::make_unique<RE2>(regex, options);
}

}  // namespace

struct Patterns::Pattern {
  std::unique_ptr<RE2> regex;
  bool dequote = true;
  std::array<int, kGroups.size()> groups{};  // numbers, 0: the pattern has no such group
};

Patterns::Patterns(std::vector<Pattern> patterns) : patterns_(std::move(patterns)) {}
Patterns::~Patterns() = default;
bool Patterns::empty() const {
  return patterns_.empty();
}

actions::Result<std::shared_ptr<const Patterns>, std::vector<PatternError>> Patterns::compile(
    const std::vector<PatternSource>& sources) {
  std::vector<Pattern> patterns;
  std::vector<PatternError> errors;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    Pattern pattern;
    pattern.regex = compile_one(sources[i].regex);
    pattern.dequote = sources[i].dequote;
    if (!pattern.regex->ok()) {
      errors.push_back({i, "is no RE2 regular expression: " + pattern.regex->error()});
      continue;
    }
    for (const auto& [name, number] : pattern.regex->NamedCapturingGroups()) {
      const auto known = std::find(kGroups.begin(), kGroups.end(), name);
      if (known == kGroups.end()) {
        errors.push_back(
            {i, "has a group \"" + name + "\"; accepted: user, host, recipient, reason"});
      } else {
        pattern.groups[static_cast<std::size_t>(known - kGroups.begin())] = number;
      }
    }
    if (pattern.groups[0] == 0 && pattern.groups[1] == 0) {
      errors.push_back(
          {i, "has neither a group (?P<user>...) nor (?P<host>...), so it can charge nobody"});
    }
    patterns.push_back(std::move(pattern));
  }
  if (!errors.empty()) return errors;
  return std::shared_ptr<const Patterns>(new Patterns(std::move(patterns)));
}

std::optional<PatternMatch> Patterns::match(std::string_view payload) const {
  constexpr int kMaxGroups = 16;
  std::array<re2::StringPiece, kMaxGroups> found;
  for (const auto& pattern : patterns_) {
    const int groups = std::min(pattern.regex->NumberOfCapturingGroups() + 1, kMaxGroups);
    const re2::StringPiece text(payload.data(), payload.size());
    if (!pattern.regex->Match(text, 0, text.size(), RE2::UNANCHORED, found.data(), groups))
      continue;
    PatternMatch match;
    const auto take = [&](std::size_t which, std::optional<std::string>& out) {
      const int number = pattern.groups[which];
      if (number == 0 || number >= groups) return;
      const auto& group = found[static_cast<std::size_t>(number)];
      if (group.data() == nullptr) return;
      const std::string_view bytes(group.data(), group.size());
      out = pattern.dequote ? dequoted(bytes) : std::string(bytes);
    };
    take(0, match.user);
    take(1, match.host);
    take(2, match.recipient);
    take(3, match.reason);
    return match;
  }
  return std::nullopt;
}

std::string dequoted(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::string(text);
  std::string out;
  const auto inside = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < inside.size(); ++i) {
    if (inside[i] == '"') return std::string(text);
    if (inside[i] != '\\') {
      out.push_back(inside[i]);
      continue;
    }
    if (++i == inside.size()) return std::string(text);
    out.push_back(inside[i] == 'n' ? '\n' : inside[i] == 'r' ? '\r' : inside[i]);
  }
  return out;
}

}  // namespace parsers
