#include "parsers/reasons/reason_text.h"

#include <algorithm>
#include <utility>

#include "parsers/entries/rejection.h"
#include "parsers/fields/argument.h"
#include "parsers/scan/byte_set.h"
#include "parsers/scan/words.h"

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

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// Servers repeat an address in their own spelling of its letters. It holds an "@".
std::size_t find_any_case(std::string_view text, std::string_view address, std::size_t from) {
  const auto before = address.find('@');
  for (auto at = text.find('@', from + before); at != std::string_view::npos;
       at = text.find('@', at + 1)) {
    const auto there = text.substr(at - before, address.size());
    if (there == address) return at - before;  // most repeat it as they were given it
    if (std::equal(there.begin(), there.end(), address.begin(), address.end(),
                   [](char a, char b) { return lower(a) == lower(b); })) {
      return at - before;
    }
  }
  return std::string_view::npos;
}

// The address of a RCPT argument as a server would write it: without comments, quotes, backslashes,
// and what stands around "<...>".
std::string plain_address(std::string_view argument) {
  std::string address;
  int comments = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < argument.size(); ++i) {
    const char c = argument[i];
    const bool taken = c == '\\' && i + 1 < argument.size();
    if (taken) ++i;
    if (comments > 0) {
      comments += taken ? 0 : c == '(' ? 1 : c == ')' ? -1 : 0;
    } else if (taken) {
      address += argument[i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '(') {
      comments = 1;
      // Exim logs the last blank as "=" (argument.h).
      const bool blank = address.ends_with('=') && address.find('@') != std::string::npos;
      if (blank) address.pop_back();
    } else if (!quoted && (c == '<' || c == ':')) {
      address.clear();
    } else if (!quoted && c == '>') {
      break;
    } else if (quoted || (c != ' ' && c != '\t')) {
      address += c;
    }
  }
  return address;
}

// Appends the text without addresses in brackets and without the recipient.
void append_masked(std::string_view text, std::string_view recipient, std::string& out) {
  constexpr auto kNone = std::string_view::npos;
  auto bracket = text.find('<');
  auto bare = recipient.empty() ? kNone : find_any_case(text, recipient, 0);
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
    if (bare != kNone && bare < done) bare = find_any_case(text, recipient, done);
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
  // Too short to be an address would cut holes into words.
  const auto as_address = [](std::string_view recipient) {
    const bool good = recipient.size() >= 5 && recipient.find('@') != std::string_view::npos;
    return good ? recipient : std::string_view();
  };
  const auto recipient = as_address(without_brackets(argument));
  const auto callout = kFindCallout.find(text);
  if (callout != std::string_view::npos) {
    append_masked(text.substr(0, host_start(text, callout)), recipient, out);
    text.remove_prefix(callout + 3);
  }
  append_masked(text, recipient, out);
  using Dress = ByteSet<'\t', ' ', '"', '(', ':', '\\'>;
  if (!Dress::any_in(argument)) return;
  const auto plain = plain_address(argument);
  if (const auto address = as_address(plain); !address.empty()) {
    append_masked(std::exchange(out, {}), address, out);
  }
}

}  // namespace parsers
