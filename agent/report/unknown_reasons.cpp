#include "agent/report/unknown_reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace agent {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_plain(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == ' ' || c == '-' ||
         c == ',' || c == ':' || c == ';' || c == '<' || c == '>' || c == '/' || c == '=' ||
         c == '@' || c == '_' || c == '#' || c == '%' || c == '&' || c == '!' || c == '~';
}

// Queue ids, addresses and times differ from one text to the next: a word with a digit in it, but
// for an answer's code.
bool differs(std::string_view word) {
  const bool code = word.size() == 3 && std::all_of(word.begin(), word.end(), is_digit);
  const bool enhanced = word.size() >= 5 && word.size() <= 8 && word[1] == '.' &&
                        (word[0] == '4' || word[0] == '5') &&
                        word.find_first_not_of("0123456789.") == std::string_view::npos;
  return !code && !enhanced && std::any_of(word.begin(), word.end(), is_digit);
}

void append_escaped(std::string_view word, std::string& out) {
  for (const char c : word) {
    if (is_plain(c)) {
      out += c;
    } else if (c > 0x20 && c < 0x7f && c != '\'' && c != '"') {
      out.append("\\").push_back(c);
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
}

// Of what a server or an ACL says; where a server says it, without Exim's words around it.
std::string regex_of(std::string_view masked) {
  constexpr std::string_view kCommand = "RCPT TO:<>: ";
  const auto command = masked.find(kCommand);
  if (command != std::string_view::npos) masked.remove_prefix(command + kCommand.size());
  std::string regex;
  for (;;) {
    const auto word = masked.substr(0, masked.find(' '));
    if (differs(word)) {
      regex += "\\S+";
    } else {
      append_escaped(word, regex);
    }
    masked.remove_prefix(word.size());
    if (masked.empty()) return regex;
    regex += ' ';
    masked.remove_prefix(1);
  }
}

}  // namespace

void UnknownReasons::add(std::string_view text, std::string_view argument, std::string_view sender,
                         const std::string& file, std::uint64_t line) {
  parsers::mask_reason(text, argument, sender, masked_);
  auto regex = regex_of(masked_.text);
  auto known = kinds_.find(regex);
  if (known == kinds_.end()) {
    if (kinds_.size() >= kMaxKinds) {
      ++crowded_out_;
      return;
    }
    Kind kind{regex, std::string(text), file, line, 0};
    known = kinds_.emplace(std::move(regex), std::move(kind)).first;
  }
  ++known->second.count;
}

std::vector<UnknownReasons::Kind> UnknownReasons::by_number() const {
  std::vector<Kind> kinds;
  for (const auto& [regex, kind] : kinds_) kinds.push_back(kind);
  std::sort(kinds.begin(), kinds.end(), [](const Kind& a, const Kind& b) {
    return a.count != b.count ? a.count > b.count : a.regex < b.regex;
  });
  return kinds;
}

}  // namespace agent
