#include "parsers/fields/argument.h"

#include <algorithm>

#include "parsers/fields/rcpt_address.h"
#include "parsers/scan/byte_set.h"
#include "parsers/scan/scan.h"

namespace parsers {
namespace {

// What the bytes so far put around the next one: parse.c's view of an address.
struct Dress {
  bool quoted = false;
  int comments = 0;  // depth; quotes mean nothing inside (parse.c skip_comment)
  std::size_t comment_begin = 0;
  bool angle = false;
  bool route = false;   // "@a,@b" before the ":" of a source route
  bool domain = false;  // behind a bare "@"
  bool start = true;    // of an address: nothing but blanks and comments so far
  std::size_t at = 0;

  [[nodiscard]] bool plain() const { return !quoted && comments == 0 && !angle; }

  // Takes the first byte of `rest`; returns 1 if the next one is taken with it, else 0.
  std::size_t take(std::string_view rest) {
    const char c = rest.front();
    const std::size_t more = c == '\\' && rest.size() > 1 ? 1 : 0;
    if (quoted) {
      quoted = c != '"';
    } else if (comments > 0) {
      comments += c == '(' ? 1 : c == ')' ? -1 : 0;
    } else {
      take_bare(c);
    }
    at += 1 + more;
    return more;
  }

 private:
  void take_bare(char c) {
    switch (c) {
      case ' ':
      case '\t':
        return;
      case '(':
        comments = 1;
        comment_begin = at;
        return;
      case '<':
        angle = true;
        start = true;
        return;
      case '>':
        angle = false;
        break;
      case '"':
        quoted = true;
        break;
      case '@':
        route = route || start;
        domain = true;
        break;
      case ':':
        route = false;
        break;
      default:
        break;
    }
    start = false;
  }
};

// smtp_in.c extract_option looks for "name=value" from the end backwards; what it then takes for no
// option gets a "=" where it stopped. True if that place is a blank.
bool loses_last_blank(std::string_view argument) {
  for (auto i = argument.size(); i-- > 1;) {
    if (argument[i] == '"') {
      const auto open = argument.rfind('"', i - 1);
      if (open == std::string_view::npos || open == 0) return false;
      i = open;
    } else if (argument[i] == '=') {
      return false;
    } else if (argument[i] == ' ' || argument[i] == '\t') {
      return true;
    }
  }
  return false;
}

constexpr std::size_t kEscape = 4;

// "#015": a byte that rsyslog does not write as it is.
bool is_escape(std::string_view text) {
  const auto digit = [&](std::size_t at, char last) { return text[at] >= '0' && text[at] <= last; };
  if (text.size() < kEscape || text[0] != '#' || !digit(1, '3') || !digit(2, '7') || !digit(3, '7'))
    return false;
  const int byte = (text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0');
  return byte < 0x20 || byte >= 0x7f;
}

// Of the argument, if it may take so many bytes.
std::size_t length_within(std::string_view text, std::size_t limit) {
  // "<user@example.org>: " and no more, as nearly all are.
  if (text.starts_with('<') && !text.starts_with("<@")) {
    using Special = ByteSet<'\t', ' ', '"', '(', ':', '<', '>', '\\'>;
    const auto end = Special::first_in(text.substr(0, limit).substr(1)) + 2;
    if (end <= limit && text[end - 1] == '>' &&
        (end == text.size() || begins(text.substr(end), ": "))) {
      return end;
    }
  }
  Dress dress;
  std::size_t comment = limit;  // begin of the first one behind an address that holds ": "
  std::size_t first = limit;
  for (std::size_t i = 0; i < limit && first == limit; ++i) {
    if (text.substr(i).starts_with(": ")) {
      if (dress.plain() && !dress.route) {
        first = i;
        break;
      }
      if (dress.comments > 0 && dress.domain) comment = std::min(comment, dress.comment_begin);
    }
    i += dress.take(text.substr(i, limit - i));
  }
  if (dress.comments > 0) comment = std::min(comment, dress.comment_begin);
  for (std::size_t end = limit; end > comment; --end) {
    if (text.substr(end).starts_with(": ")) return end;
  }
  return first;
}

}  // namespace

std::optional<std::size_t> address_length(std::string_view text) {
  // Nearly all addresses are plain.
  using Special = ByteSet<' ', '"', '(', '<', '>', '\\'>;
  const auto plain = Special::first_in(text);
  if (plain < text.size() && text[plain] == '>') return plain;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '\\':
        ++i;
        break;
      case '"':
        quoted = !quoted;
        break;
      case '>':
        if (!quoted) return i;
        break;
      case ' ':
      case '<':
      case '(':
        if (!quoted) return std::nullopt;
        break;
      default:
        break;
    }
  }
  return std::nullopt;
}

std::size_t argument_length(std::string_view text) {
  return length_within(text, std::min(text.size(), kMaxArgument));
}

std::size_t escaped_argument_length(std::string_view text) {
  std::size_t limit = 0;
  for (std::size_t bytes = 0; bytes < kMaxArgument && limit < text.size(); ++bytes) {
    limit += is_escape(text.substr(limit)) ? kEscape : 1;
  }
  return length_within(text, std::min(limit, text.size()));
}
bool could_be_argument(std::string_view argument) {
  const auto reading = read_rcpt_address(argument);
  if (argument.size() >= kMaxArgument) return reading != AddressReading::no;
  return reading == AddressReading::whole && !loses_last_blank(argument);
}

}  // namespace parsers
