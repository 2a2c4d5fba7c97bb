#include "parsers/entries/failure.h"

#include <algorithm>
#include <optional>

namespace parsers {
namespace {

// parse.c EXIM_EMAILADDR_MAX is 256; rewriting and aliases may lengthen an address.
constexpr std::size_t kMaxAddress = 1024;

// Length of what stands between "<" and its ">", quotes honoured.
std::optional<std::size_t> bracketed(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::nullopt;
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Is `plain` what is left of `quoted` without its quotes and escaping backslashes? Routers may have
// made its letters small.
bool is_dequoted(std::string_view plain, std::string_view quoted) {
  std::size_t at = 0;
  for (std::size_t i = 0; i < quoted.size(); ++i) {
    if (quoted[i] == '"') continue;
    if (quoted[i] == '\\' && ++i == quoted.size()) return false;
    if (at == plain.size() || lower(plain[at++]) != lower(quoted[i])) return false;
  }
  return at == plain.size();
}

// Where the rest begins after the address as printed and, if it is there, its quoted original. An
// address that needed quotes is followed by them; the last such place is the real one, since all
// earlier ones lie inside the address itself.
std::size_t quoted_address_end(std::string_view entry, std::string_view& original) {
  std::size_t end = 0;
  for (auto at = entry.find(" <"); at < kMaxAddress; at = entry.find(" <", at + 1)) {
    const auto inside = entry.substr(at + 2, 2 * kMaxAddress);
    const auto length = bracketed(inside);
    if (!length) continue;
    const auto address = inside.substr(0, *length);
    if (address.find('@') == std::string_view::npos || !is_dequoted(entry.substr(0, at), address))
      continue;
    original = address;
    end = at + 2 + *length + 1;
  }
  return end;
}

// The first ": " outside quotes.
std::size_t reason_start(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text.substr(i).starts_with(": ")) {
      return i;
    }
  }
  return std::string_view::npos;
}

// " DT=0.004s" (log_selector +deliver_time) is behind everything.
std::string_view without_time(std::string_view reason) {
  const auto blank = reason.rfind(' ');
  if (blank == std::string_view::npos) return reason;
  const auto word = reason.substr(blank + 1);
  const bool time =
      word.starts_with("DT=") && word.ends_with('s') &&
      word.substr(3, word.size() - 4).find_first_not_of("0123456789.mhd") == std::string_view::npos;
  return time ? reason.substr(0, blank) : reason;
}

// The last "<...>" that follows an address at once, e.g. " (parent) <original>": what the sender
// wrote before aliases and lists made other addresses of it.
std::string_view original_address(std::string_view& rest) {
  std::string_view original;
  for (;;) {
    if (rest.starts_with(" (")) {
      const auto close = rest.find(')');
      if (close == std::string_view::npos) return original;
      rest.remove_prefix(close + 1);
    } else if (rest.starts_with(" <")) {
      const auto length = bracketed(rest.substr(2));
      if (!length) return original;
      original = rest.substr(2, *length);
      rest.remove_prefix(*length + 3);
    } else {
      return original;
    }
  }
}

// What follows "** " or "== ".
void scan_delivery(std::string_view entry, Failure& failure) {
  failure = {};
  auto rest = entry;
  if (const auto end = quoted_address_end(entry, failure.recipient); end > 0) {
    rest = entry.substr(end);
  } else {
    auto length = std::min(entry.find(' '), entry.size());
    if (entry.substr(0, length).ends_with(':')) --length;
    failure.recipient = entry.substr(0, length);
    rest = entry.substr(length);
  }
  if (const auto original = original_address(rest); !original.empty()) failure.recipient = original;
  const auto start = reason_start(rest);
  if (start != std::string_view::npos) failure.reason = without_time(rest.substr(start + 2));
}

}  // namespace

bool scan_failure(std::string_view payload, Failure& failure) {
  if (!payload.starts_with("** ")) return false;
  scan_delivery(payload.substr(3), failure);
  return true;
}

bool scan_deferral(std::string_view payload, Failure& failure) {
  if (!payload.starts_with("== ")) return false;
  scan_delivery(payload.substr(3), failure);
  return true;
}

bool is_remote_answer(std::string_view reason) {
  constexpr std::string_view kAnswer = "SMTP error from remote mail server after ";
  if (!reason.starts_with(kAnswer)) return false;
  reason.remove_prefix(kAnswer.size());
  constexpr std::string_view kPipelined = "pipelined ";
  if (reason.starts_with(kPipelined)) reason.remove_prefix(kPipelined.size());
  constexpr std::string_view kCommands[] = {"RCPT TO:", "DATA", "end of data",
                                            "sending data block"};
  return std::any_of(std::begin(kCommands), std::end(kCommands),
                     [&](std::string_view command) { return reason.starts_with(command); });
}

}  // namespace parsers
