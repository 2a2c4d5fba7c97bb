#include "second_reading.h"

#include <cctype>
#include <functional>

namespace second_reading {
namespace {

using Text = std::string_view;
using Next = std::function<void(std::size_t)>;

bool starts(Text text, std::size_t at, Text literal) {
  return at <= text.size() && text.substr(at).starts_with(literal);
}

bool is_number(Text text, int most) {
  if (text.empty() || text.size() > 5) return false;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    value = value * 10 + (c - '0');
  }
  return value <= most;
}

bool is_ip(Text text) {
  if (text.find(':') != Text::npos) {
    return text.find_first_not_of("0123456789abcdef:.") == Text::npos && text.size() < 46;
  }
  int parts = 0;
  for (std::size_t from = 0;; ++parts) {
    const auto dot = text.find('.', from);
    if (!is_number(text.substr(from, dot - from), 255)) return false;
    if (dot == Text::npos) break;
    from = dot + 1;
  }
  return parts == 3;
}

// "[ip]" or "[ip]:port" at `at`: where it ends, 0 if it is none.
std::size_t after_ip(Text text, std::size_t at, std::string* ip = nullptr) {
  if (!starts(text, at, "[")) return 0;
  const auto close = text.find(']', at);
  if (close == Text::npos || !is_ip(text.substr(at + 1, close - at - 1))) return 0;
  if (ip != nullptr) *ip = text.substr(at + 1, close - at - 1);
  auto end = close + 1;
  if (starts(text, end, ":")) {
    auto digits = end + 1;
    while (digits < text.size() && std::isdigit(static_cast<unsigned char>(text[digits]))) ++digits;
    if (digits > end + 1) end = digits;
  }
  return end;
}

// --- addresses, after parse.c -------------------------------------------------------------------

// Blanks and comments; an unfinished comment ends with the text.
std::size_t skip_comment(Text text, std::size_t at) {
  for (;;) {
    while (at < text.size() && (text[at] == ' ' || text[at] == '\t')) ++at;
    if (at >= text.size() || text[at] != '(') return at;
    int level = 1;
    for (++at; at < text.size() && level > 0; ++at) {
      if (text[at] == '(') ++level;
      if (text[at] == ')') --level;
      if (text[at] == '\\' && at + 1 < text.size()) ++at;
    }
  }
}

// One word: an atom or a quoted string. npos: none stands here.
std::size_t after_word(Text text, std::size_t at) {
  if (starts(text, at, "\"")) {
    for (++at; at < text.size() && text[at] != '"'; ++at) {
      if (text[at] == '\\') ++at;
    }
    return at < text.size() ? at + 1 : Text::npos;
  }
  const auto begin = at;
  while (at < text.size()) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == '\\' && at + 1 < text.size()) {
      at += 2;
    } else if (c <= ' ' || c == 0x7f || Text("<>()[]:;@,.\"\\").find(text[at]) != Text::npos) {
      break;
    } else {
      ++at;
    }
  }
  return at > begin ? at : Text::npos;
}

// A domain, whatever its parts look like, or a literal, in which anything may stand if it is bare.
std::size_t after_domain(Text text, std::size_t at) {
  const bool bare = text.substr(0, at).find('<') == Text::npos;
  at = skip_comment(text, at);
  const auto begin = at;
  if (starts(text, at, "[")) {
    const auto close = text.find_first_not_of("0123456789abcdefABCDEFIPv:.", at + 1);
    if (bare && text.find(']', at) != Text::npos) return skip_comment(text, text.find(']', at) + 1);
    return close != Text::npos && text[close] == ']' ? skip_comment(text, close + 1) : Text::npos;
  }
  for (;;) {
    while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) ||
                                text[at] == '-' || text[at] == '_' || text[at] < 0)) {
      ++at;
    }
    at = skip_comment(text, at);
    if (!starts(text, at, ".")) break;
    at = skip_comment(text, at + 1);
  }
  return at > begin ? at : Text::npos;
}

// Words joined by dots, which may also stand first, last and side by side, then "@domain". npos if
// that is not what stands here.
std::size_t after_mailbox(Text text, std::size_t at) {
  at = skip_comment(text, at);
  const auto begin = at;
  for (;;) {
    if (const auto word = after_word(text, at); word != Text::npos) {
      at = word;
    } else if (starts(text, at, "\"")) {
      return Text::npos;
    }
    at = skip_comment(text, at);
    if (!starts(text, at, ".")) break;
    at = skip_comment(text, at + 1);
  }
  return at > begin && starts(text, at, "@") ? after_domain(text, at + 1) : Text::npos;
}

// "@a,@b:" or nothing; a comma may stand before the ":" too.
std::size_t after_route(Text text, std::size_t at) {
  at = skip_comment(text, at);
  if (!starts(text, at, "@")) return at;
  while (starts(text, at, "@")) {
    at = after_domain(text, at + 1);
    if (!starts(text, at, ",")) break;
    at = skip_comment(text, at + 1);
  }
  return starts(text, at, ":") ? at + 1 : Text::npos;
}

}  // namespace

bool exim_accepts(Text argument) {
  const auto begin = skip_comment(argument, 0);
  // A bare address, with a route or not.
  const auto routed = after_route(argument, begin);
  if (routed != Text::npos && after_mailbox(argument, routed) == argument.size()) return true;
  // Words, then "<address>".
  auto at = begin;
  while (at < argument.size() && argument[at] != '<') {
    const auto word = starts(argument, at, ".") ? at + 1 : after_word(argument, at);
    if (word == Text::npos) return false;
    at = skip_comment(argument, word);
  }
  if (at >= argument.size()) return false;
  const auto inside = after_route(argument, at + 1);
  if (inside == Text::npos) return false;
  const auto end = after_mailbox(argument, inside);
  return end != Text::npos && starts(argument, end, ">") &&
         skip_comment(argument, end + 1) == argument.size();
}

std::string as_logged(std::string argument) {
  // smtp_in.c extract_option: backwards to the last "=" or blank outside quotes.
  for (std::size_t i = argument.size(); i-- > 1;) {
    if (argument[i] == '=') break;
    if (argument[i] == ' ' || argument[i] == '\t') {
      argument[i] = '=';
      break;
    }
    if (argument[i] == '"') {
      do {
        --i;
      } while (i > 0 && argument[i] != '"');
      if (i == 0) break;
    }
  }
  return argument;
}

namespace {

class Backtrack {
 public:
  Backtrack(Text payload, bool junk) : text_(payload), junk_(junk) {}

  std::vector<Reading> run() {
    if (starts(text_, 0, "H=")) host(2);
    if (starts(text_, 0, " DSH=")) host(5);
    return std::move(found_);
  }

 private:
  void host(std::size_t at) {
    // name
    for (const bool named : {false, true}) {
      auto next = at;
      if (named) {
        while (next < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[next])) ||
                                       Text("_-./").find(text_[next]) != Text::npos)) {
          ++next;
        }
        if (next == at || !starts(text_, next, " ")) continue;
        ++next;
      }
      ip(next);
      helo(next);
    }
  }

  void helo(std::size_t at) {
    if (!starts(text_, at, "(")) return;
    for (auto close = text_.find(") ", at); close != Text::npos;
         close = text_.find(") ", close + 1)) {
      const auto name = text_.substr(at + 1, close - at - 1);
      if (!junk_ && name.find_first_of(" ()<>\"") != Text::npos) return;
      ip(close + 2);
    }
  }

  void ip(std::size_t at) {
    Reading reading;
    auto end = after_ip(text_, at, &reading.host);
    if (end == 0) return;
    if (starts(text_, end, " I=")) {
      end = after_ip(text_, end + 3);
      if (end == 0) return;
    }
    ident(end, reading);
  }

  void ident(std::size_t at, const Reading& reading) {
    if (!starts(text_, at, " U=")) return connection(at, reading);
    for (auto end = at + 3; end <= text_.size() && end <= at + 3 + 508; ++end) {
      connection(end, reading);
    }
  }

  std::size_t after_token(std::size_t at, Text name) const {
    if (!starts(text_, at, name)) return at;
    return std::min(text_.find(' ', at + name.size()), text_.size());
  }

  void connection(std::size_t at, const Reading& reading) {
    at = after_token(after_token(after_token(at, " Ci="), " X="), " CV=");
    if (!starts(text_, at, " DN=\"")) return server_name(at, reading);
    const auto begin = at + 5;
    const bool openssl = starts(text_, begin, "/");
    for (auto end = begin; end < text_.size(); ++end) {
      if (text_[end] == '"') server_name(end + 1, reading);
      if (openssl) continue;
      if (text_[end] == '"') return;
      if (text_[end] == '\\') ++end;
    }
  }

  void server_name(std::size_t at, const Reading& reading) {
    if (starts(text_, at, " SNI=\"")) {
      for (auto end = text_.find('"', at + 6); end != Text::npos; end = text_.find('"', end + 1)) {
        sender(end + 1, reading);
      }
    }
    sender(after_token(at, " SNI="), reading);
  }

  void sender(std::size_t at, Reading reading) {
    if (!starts(text_, at, " F=<")) return;
    const auto begin = at + 4;
    if (starts(text_, begin, ">")) return login(begin + 1, reading);
    // A local part, then maybe a domain; no blanks or comments outside quotes.
    auto end = begin;
    for (;;) {
      end = after_word(text_, end);
      if (end == Text::npos) return;
      if (!starts(text_, end, ".")) break;
      ++end;
    }
    if (starts(text_, end, "@")) {
      ++end;
      while (end < text_.size() && text_[end] != '>' && text_[end] != ' ' && text_[end] != '"' &&
             text_[end] != '<' && text_[end] != '(') {
        ++end;
      }
    }
    if (!starts(text_, end, ">")) return;
    reading.sender = text_.substr(begin, end - begin);
    login(end + 1, reading);
  }

  void login(std::size_t at, Reading reading) {
    if (!starts(text_, at, " A=")) return results(at, reading);
    const auto begin = at + 3;
    const auto end = text_.find_first_of(" :", begin);
    if (end == Text::npos || end == begin) return;
    reading.authenticated = true;
    reading.authenticator = text_.substr(begin, end - begin);
    if (text_[end] == ' ') return results(end, reading);
    for (auto stop = end + 1; stop < text_.size(); ++stop) {
      reading.id = text_.substr(end + 1, stop - end - 1);
      results(stop, reading);
    }
  }

  void results(std::size_t at, const Reading& reading) {
    for (const Text name : {" SPF", " DMARC"}) {
      if (!starts(text_, at, name)) continue;
      auto end = at + name.size();
      if (starts(text_, end, "=")) end = std::min(text_.find(' ', end), text_.size());
      if (starts(text_, end, " ")) at = end;
    }
    verb(at, reading);
  }

  void verb(std::size_t at, Reading reading) {
    for (const Text words : {" rejected RCPT ", " temporarily rejected RCPT "}) {
      if (!starts(text_, at, words)) continue;
      reading.temporary = words[1] == 't';
      argument(at + words.size(), reading);
    }
  }

  void argument(std::size_t at, Reading reading) {
    const auto rest = text_.substr(at);
    for (std::size_t length = 0; length <= std::min<std::size_t>(rest.size(), 100); ++length) {
      const bool end = length == rest.size();
      if (!end && !starts(rest, length, ": ")) continue;
      const auto candidate = rest.substr(0, length);
      if (length < 100 &&
          !(exim_accepts(candidate) && as_logged(std::string(candidate)) == candidate))
        continue;
      reading.argument = candidate;
      reading.text = end ? Text() : rest.substr(length + 2);
      found_.push_back(reading);
    }
  }

  Text text_;
  bool junk_;
  std::vector<Reading> found_;
};

}  // namespace

std::vector<Reading> all_readings(Text payload, bool junk_helo) {
  return Backtrack(payload, junk_helo).run();
}

}  // namespace second_reading
