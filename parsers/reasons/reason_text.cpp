#include "parsers/reasons/reason_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "parsers/entries/rejection.h"
#include "parsers/fields/argument.h"
#include "parsers/scan/byte_set.h"
#include "parsers/scan/scan.h"
#include "parsers/scan/words.h"

namespace parsers {
namespace {

constexpr auto kNone = std::string_view::npos;
constexpr std::string_view kCallout = "SMTP error from remote mail server after ";
constexpr WordFinder kFindCallout{{" : SMTP error from remote mail server after ", 3}};
// As Exim 4.8 worded a callout's refusal (verify.c).
constexpr std::string_view kResponse = "response to \"";
// A host's name and address are not longer.
constexpr std::size_t kMaxHost = 320;

using Blank = ByteSet<' ', '\t'>;
using Letter = ByteSet<ByteRange{'A', 'Z'}, ByteRange{'a', 'z'}>;
using Digit = ByteSet<ByteRange{'0', '9'}>;
// Of most addresses before their "@", and of a host's name. What else may stand in an address
// stands around one more often ('x@y', to=x@y).
using LocalByte =
    ByteSet<ByteRange{'A', 'Z'}, ByteRange{'a', 'z'}, ByteRange{'0', '9'}, '.', '_', '-', '+'>;
using HostByte =
    ByteSet<ByteRange{'A', 'Z'}, ByteRange{'a', 'z'}, ByteRange{'0', '9'}, '.', '-', '_'>;
using UrlEnd = ByteSet<' ', '\t', '\\', '"', '<', '>'>;
// Where something to be cut out may begin.
using Special = ByteSet<'(', '/', '<', '@', '[', '\\'>;

// Where "host.name [ip]" before a callout's words begins; its end is `callout`.
std::size_t host_start(std::string_view text, std::size_t callout) {
  if (callout == 0 || text[callout - 1] != ']') return callout;
  const auto bracket = text.rfind('[', callout);
  if (bracket == kNone) return callout;
  if (bracket < 2 || text[bracket - 1] != ' ') return bracket;
  const auto blank = text.rfind(' ', bracket - 2);
  return blank == kNone ? 0 : blank + 1;
}

// Length of "<...@...>" at the start of `text`, 0 if there is none. Without quotes in it an address
// has no blank; with quotes it may hold anything up to the '>' that stands outside them.
std::size_t bracketed_address(std::string_view text) {
  const auto length = address_length(text.substr(1));
  if (!length) return 0;
  return text.substr(1, *length).find('@') == kNone ? 0 : *length + 2;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

bool same_letters(std::string_view a, std::string_view b) {
  return a == b || std::equal(a.begin(), a.end(), b.begin(), b.end(),
                              [](char x, char y) { return lower(x) == lower(y); });
}

// Servers repeat an address in their own spelling of its letters. It holds an "@".
std::size_t find_any_case(std::string_view text, std::string_view address, std::size_t from) {
  const auto before = address.find('@');
  for (auto at = text.find('@', from + before); at != kNone; at = text.find('@', at + 1)) {
    if (same_letters(text.substr(at - before, address.size()), address)) return at - before;
  }
  return kNone;
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

// "550 " or "550-" at the start.
bool begins_with_code(std::string_view text) {
  return text.size() >= 4 && Digit::has(text[0]) && Digit::has(text[1]) && Digit::has(text[2]) &&
         (text[3] == ' ' || text[3] == '-');
}

// Length of "5.1.1 " at the start; 0: there is no such thing.
std::size_t enhanced_code(std::string_view text) {
  std::size_t at = 0, dots = 0;
  while (at < text.size() && at < 12 && (Digit::has(text[at]) || text[at] == '.')) {
    dots += text[at++] == '.' ? 1 : 0;
  }
  return dots == 2 && at < text.size() && text[at] == ' ' ? at + 1 : 0;
}

class Masker {
 public:
  Masker(std::string_view argument, std::string_view sender, MaskedReason& out)
      : sender_(sender), out_(out) {
    out_.text.clear();
    start_over();
    add_known(without_brackets(argument), false);
    using Dress = ByteSet<'\t', ' ', '"', '(', ':', '\\'>;
    if (!Dress::any_in(argument)) return;
    plain_ = plain_address(argument);
    add_known(plain_, false);
  }

  // Appends the text, or what Exim says around a server's answer and then that answer.
  void add_text(std::string_view text) {
    const auto callout = kFindCallout.find(text);
    if (callout != WordFinder::kNone) {
      add(text.substr(0, host_start(text, callout)));
      text.remove_prefix(callout + 3);
    }
    if (!take_command(text) && text.starts_with(kResponse)) take_response(text);
    add_known(sender_, true);
    add(text);
  }

 private:
  void start_over() { out_.names_recipient = out_.names_sender = false; }

  // An address whose meaning is known, as it may be spelled.
  struct Known {
    std::string_view address;
    bool is_sender = false;
    std::size_t next = 0;  // where in the part it stands next; kNone: nowhere
  };

  void add_known(std::string_view address, bool is_sender) {
    // Too short to be an address would cut holes into words.
    const auto at = address.find('@');
    if (address.size() < 5 || at == kNone || count_ == known_.size()) return;
    for (std::size_t i = 0; i < count_; ++i) {
      if (same_letters(known_[i].address, address)) return;
    }
    known_[count_++] = {address, is_sender, 0};
  }

  // Such an address ends where other bytes stand: "a@b.c" is not in "aa@b.c".
  static bool is_plain(std::string_view address) {
    const auto local = address.substr(0, address.find('@'));
    return std::all_of(local.begin(), local.end(), [](char c) { return LocalByte::has(c); });
  }

  void find_next(Known& known) const {
    for (known.next = find_any_case(part_, known.address, done_); known.next != kNone;
         known.next = find_any_case(part_, known.address, known.next + 1)) {
      if (!is_plain(known.address) || stands_alone(known.next, known.next + known.address.size())) {
        return;
      }
    }
  }

  // Where the plain local part that ends at `end` begins. Two dots are no part of one, nor is one
  // at its start.
  [[nodiscard]] std::size_t local_begin(std::size_t end) const {
    auto begin = end;
    while (begin > done_ && LocalByte::has(part_[begin - 1])) {
      const bool dot = part_[begin - 1] == '.';
      if (dot &&
          (begin - 1 == done_ || part_[begin - 2] == '.' || !LocalByte::has(part_[begin - 2])))
        break;
      --begin;
    }
    return begin;
  }

  [[nodiscard]] bool stands_alone(std::size_t begin, std::size_t end) const {
    if (local_begin(begin) != begin) return false;
    const auto after = part_.substr(end);
    const auto in_name = [&](std::size_t i) {
      return i < after.size() && (Letter::has(after[i]) || Digit::has(after[i]));
    };
    return !in_name(0) && !(after.starts_with('.') && in_name(1)) &&
           !(after.starts_with('-') && in_name(1));
  }

  void name(const Known& known) {
    (known.is_sender ? out_.names_sender : out_.names_recipient) = true;
  }
  static std::string_view stand_in(const Known& known) { return known.is_sender ? "<s>" : "<>"; }

  // "SMTP error from remote mail server after RCPT TO:<x>: " is appended; the answer stays.
  bool take_command(std::string_view& text) {
    if (!text.starts_with(kCallout)) return false;
    return take_rcpt(text, kCallout.size(), ": ");
  }

  // The command RCPT of that text, which `end` follows.
  bool take_rcpt(std::string_view& text, std::size_t at, std::string_view end) {
    constexpr std::string_view kPipelined = "pipelined ", kRcpt = "RCPT TO:<";
    if (text.substr(at).starts_with(kPipelined)) at += kPipelined.size();
    if (!text.substr(at).starts_with(kRcpt)) return false;
    at += kRcpt.size();
    const auto length = address_length(text.substr(at));
    if (!length || !text.substr(at + *length + 1).starts_with(end)) return false;
    add_known(text.substr(at, *length), false);
    out_.text.append(kCallout).append("RCPT TO:<>: ");
    start_over();
    text.remove_prefix(at + *length + 1 + end.size());
    // Exim once named the host here.
    if (!text.starts_with("host ")) return true;
    const auto name = text.find(" [", 5);
    const auto close = text.substr(0, kMaxHost).find("]: ");
    if (name != kNone && close != kNone && name < close &&
        !Blank::any_in(text.substr(5, name - 5)) &&
        !Blank::any_in(text.substr(name + 1, close - name - 1))) {
      text.remove_prefix(close + 3);
    }
    return true;
  }

  // `response to "RCPT TO:<x>" from host [ip] was: `.
  void take_response(std::string_view& text) {
    constexpr std::string_view kFrom = "\" from ", kWas = " was: ";
    const auto from = text.find(kFrom, kResponse.size());
    const auto was = from == kNone ? kNone : text.substr(0, from + kMaxHost).find(kWas, from);
    if (was == kNone) return;
    const auto answer = text.substr(was + kWas.size());
    if (take_rcpt(text, kResponse.size(), "\"")) {
      text = answer;
      return;
    }
    add_known(sender_, true);
    out_.text.append(kCallout);
    add(text.substr(kResponse.size(), from - kResponse.size()));
    out_.text.append(": ");
    start_over();
    text = answer;
  }

  // Appends the part masked.
  void add(std::string_view part) {
    part_ = part;
    done_ = 0;
    for (std::size_t i = 0; i < count_; ++i) find_next(known_[i]);
    for (std::size_t from = 0;;) {
      const Known* nearest = nullptr;
      for (std::size_t i = 0; i < count_; ++i) {
        auto& known = known_[i];
        // What was cut out may have held the next one.
        if (known.next < done_) find_next(known);
        if (known.next != kNone && (nearest == nullptr || known.next < nearest->next))
          nearest = &known;
      }
      const auto special = next_special(from);
      if (nearest == nullptr && special == kNone) break;
      if (nearest != nullptr && nearest->next <= special) {
        name(*nearest);
        cut(nearest->next, nearest->address.size(), stand_in(*nearest));
        from = done_;
      } else {
        cut_special(special);
        from = std::max(done_, special + 1);
      }
    }
    out_.text.append(part.substr(done_));
  }

  [[nodiscard]] std::size_t next_special(std::size_t from) const {
    if (from >= part_.size()) return kNone;
    const auto at = from + Special::first_in(part_.substr(from));
    return at < part_.size() ? at : kNone;
  }

  void cut(std::size_t at, std::size_t length, std::string_view instead) {
    out_.text.append(part_.substr(done_, at - done_)).append(instead);
    done_ = at + length;
  }

  void cut_special(std::size_t at) {
    switch (part_[at]) {
      case '<':
        return cut_bracketed(at);
      case '@':
        return cut_bare(at);
      case '/':
        return cut_url(at);
      case '\\':
        return cut_escape(at);
      default:
        return cut_host(at);
    }
  }

  std::string_view stand_in(std::string_view address) {
    for (std::size_t i = 0; i < count_; ++i) {
      if (!same_letters(known_[i].address, address)) continue;
      name(known_[i]);
      return stand_in(known_[i]);
    }
    return "<>";
  }

  void cut_bracketed(std::size_t at) {
    const auto length = bracketed_address(part_.substr(at));
    if (length > 0) cut(at, length, stand_in(part_.substr(at + 1, length - 2)));
  }

  // An address without brackets, that needs no quotes.
  void cut_bare(std::size_t at) {
    const auto begin = local_begin(at);
    auto end = at + 1;
    while (end < part_.size() && HostByte::has(part_[end])) ++end;
    while (end > at + 1 && !Letter::has(part_[end - 1]) && !Digit::has(part_[end - 1])) --end;
    if (begin == at || end == at + 1) return;
    cut(begin, end - begin, stand_in(part_.substr(begin, end - begin)));
  }

  // "https://host/path", and "//host/path" of a text that lost the word before.
  void cut_url(std::size_t at) {
    if (at + 2 >= part_.size() || part_[at + 1] != '/' || !HostByte::has(part_[at + 2])) return;
    auto begin = at;
    if (begin > done_ && part_[begin - 1] == ':') {
      --begin;
      while (begin > done_ && Letter::has(part_[begin - 1])) --begin;
    }
    cut(begin, at - begin + UrlEnd::first_in(part_.substr(at)), "<url>");
  }

  // "[mx.example.net]" or "(mx.example.net)".
  void cut_host(std::size_t at) {
    const auto inside = part_.substr(at + 1);
    std::size_t length = 0, dots = 0;
    bool letters = false;
    for (; length < inside.size() && HostByte::has(inside[length]); ++length) {
      dots += inside[length] == '.' ? 1 : 0;
      letters = letters || Letter::has(inside[length]);
    }
    if (dots == 0 || !letters || length == inside.size()) return;
    const bool square = part_[at] == '[';
    if (inside[length] != (square ? ']' : ')')) return;
    cut(at, length + 2, square ? "[host]" : "(host)");
  }

  void cut_escape(std::size_t at) {
    const auto rest = part_.substr(at + 1);
    if (rest.starts_with('n') && begins_with_code(rest.substr(1))) {
      // Each line may repeat the code; once says it.
      const auto code = enhanced_code(rest.substr(5));
      const bool again = code > 0 && part_.substr(0, at).find(rest.substr(5, code)) != kNone;
      cut(at, 6 + (again ? code : 0), " ");
    } else if (rest.size() >= 3 && (rest[0] == '2' || rest[0] == '3') && is_octal(rest[1]) &&
               is_octal(rest[2])) {
      const char byte =
          static_cast<char>((rest[0] - '0') * 64 + (rest[1] - '0') * 8 + (rest[2] - '0'));
      cut(at, 4, std::string_view(&byte, 1));
    }
  }
  static bool is_octal(char c) { return c >= '0' && c <= '7'; }

  std::string_view sender_;
  MaskedReason& out_;
  std::string plain_;
  std::array<Known, 4> known_{};
  std::size_t count_ = 0;
  std::string_view part_;  // being appended, up to done_ so far
  std::size_t done_ = 0;
};

// "www.example.net/path", which no "//" announces.
void mask_bare_urls(std::string& text) {
  std::string out;
  std::size_t done = 0;
  for (auto at = text.find("www."); at != std::string::npos; at = text.find("www.", done)) {
    const bool begins_word = at == 0 || !HostByte::has(text[at - 1]);
    out.append(text, done, at - done).append(begins_word ? "<url>" : "www.");
    done = begins_word ? at + UrlEnd::first_in(std::string_view(text).substr(at)) : at + 4;
  }
  if (done > 0) text = out.append(text, done);
}

}  // namespace

bool is_masked(std::string_view text) {
  return !Special::any_in(text) && text.find("www.") == kNone &&
         kFindCallout.find(text) == WordFinder::kNone;
}

void mask_reason(std::string_view text, std::string_view argument, std::string_view sender,
                 MaskedReason& out) {
  Masker(argument, sender, out).add_text(text);
  mask_bare_urls(out.text);
}

bool is_about_sender(std::string_view text, std::string_view argument, std::string_view sender) {
  if (sender.empty() || text.find('@') == kNone) return false;
  MaskedReason masked;
  mask_reason(text, argument, sender, masked);
  return masked.is_about_sender();
}

}  // namespace parsers
