#include "parsers/reason_text.h"

#include <algorithm>

#include "parsers/argument.h"
#include "parsers/rejection.h"
#include "parsers/words.h"

namespace parsers {
namespace {

constexpr WordFinder kFindCallout{{" : SMTP error from remote mail server after ", 3}};

// Where "host.name [ip]" before a callout's words begins; its end is `callout`.
std::size_t host_start(std::string_view text, std::size_t callout) {
  if (callout == 0 || text[callout - 1] != ']') return callout;
  const auto bracket = text.rfind('[', callout);
  if (bracket == std::string_view::npos) return callout;
  if (bracket < 2 || text[bracket - 1] != ' ') return bracket;
  const auto blank = text.rfind(' ', bracket - 2);
  return blank == std::string_view::npos ? 0 : blank + 1;
}

// Length of "<...@...>" at the start of `text`, 0 if there is none. Without quotes in it an address
// has no blank; with quotes it may hold anything up to the '>' that stands outside them.
std::size_t bracketed_address(std::string_view text) {
  const auto length = address_length(text.substr(1));
  if (!length) return 0;
  return text.substr(1, *length).find('@') == std::string_view::npos ? 0 : *length + 2;
}

// Appends the text without addresses in brackets and without the recipient.
void append_masked(std::string_view text, std::string_view recipient, std::string& out) {
  constexpr auto kNone = std::string_view::npos;
  auto bracket = text.find('<');
  auto bare = recipient.empty() ? kNone : text.find(recipient);
  std::size_t done = 0;
  const auto cut = [&](std::size_t at, std::size_t length) {
    out.append(text.substr(done, at - done)).append("<>");
    done = at + length;
  };
  while (bracket != kNone || bare != kNone) {
    if (bracket < bare) {
      const auto length = bracketed_address(text.substr(bracket));
      if (length > 0) cut(bracket, length);
      bracket = text.find('<', std::max(done, bracket + 1));
    } else {
      cut(bare, recipient.size());
    }
    // What was cut out may have held the next one.
    if (bare != kNone && bare < done) bare = text.find(recipient, done);
    if (bracket != kNone && bracket < done) bracket = text.find('<', done);
  }
  out.append(text.substr(done));
}

}  // namespace

bool is_masked(std::string_view text) {
  return text.find('<') == std::string_view::npos &&
         text.find('@') == std::string_view::npos &&  // a recipient has one
         kFindCallout.find(text) == WordFinder::kNone;
}

void mask_reason(std::string_view text, std::string_view argument, std::string& out) {
  out.clear();
  auto recipient = without_brackets(argument);
  // Too short to be an address would cut holes into words.
  if (recipient.size() < 5 || recipient.find('@') == std::string_view::npos) recipient = {};
  const auto callout = kFindCallout.find(text);
  if (callout != std::string_view::npos) {
    append_masked(text.substr(0, host_start(text, callout)), recipient, out);
    text.remove_prefix(callout + 3);
  }
  append_masked(text, recipient, out);
}

}  // namespace parsers
