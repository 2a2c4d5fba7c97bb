#include "parsers/entries/distrust.h"

#include <algorithm>
#include <optional>

#include "parsers/fields/lines.h"
#include "parsers/scan/byte_set.h"
#include "parsers/scan/scan.h"
#include "parsers/scan/words.h"

namespace parsers {
namespace {

constexpr std::string_view kQuotedSender = "<\"";  // where it stands in angle brackets
constexpr WordFinder kHeaders{{" <= ", 1}, {" (= ", 1}, {kQuotedSender, 0}};
constexpr WordFinder kSize{{" S=", 1}};

// End of the sender at the start of `text`: the first blank outside quotes. nullopt: still quoted.
std::optional<std::size_t> sender_length(std::string_view text) {
  using Stop = ByteSet<' ', '"', '\\'>;
  const auto plain = Stop::first_in(text);
  if (plain == text.size() || text[plain] == ' ') return plain;  // as nearly all
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == ' ' && !quoted) {
      return i;
    }
  }
  return quoted ? std::nullopt : std::optional(text.size());
}

// " S=digits": every finished arrival entry has its size (receive.c).
bool has_size(std::string_view text) {
  for (auto at = kSize.find(text); at != WordFinder::kNone; at = kSize.find(text, at + 3)) {
    if (at + 3 < text.size() && text[at + 3] >= '0' && text[at + 3] <= '9') return true;
  }
  return false;
}

// The first quote that no backslash takes away; npos if there is none.
std::size_t closing_quote(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') return i;
    if (text[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

std::string_view without_newline(std::string_view line) {
  if (line.ends_with('\n')) line.remove_suffix(1);
  return line;
}

// What follows the mark of an arrival entry: does the entry end in its own line?
bool is_finished(std::string_view entry) {
  const auto sender = sender_length(entry);
  return sender && has_size(entry.substr(*sender));
}

bool ends_in_quotes(std::string_view quoted) {
  return closing_quote(quoted.substr(1)) == std::string_view::npos;
}

// From its quote on, the sender of an entry by which a local message is refused or lost; empty: it
// is none of these, or the sender is not quoted.
std::string_view refused_sender(std::string_view payload) {
  const bool of_these = begins(payload, "F=<\"") || begins(payload, "rejected from <\"") ||
                        begins(payload, "SIGSEGV (");
  const auto begin = of_these ? payload.find(kQuotedSender) : std::string_view::npos;
  return begin == std::string_view::npos ? "" : payload.substr(begin + 1);
}

// The rest of a line from the first of the header words in it on. True: whatever stands before, the
// line is a finished arrival entry or no header at all, since the mark of one is the first such
// word in it, and the sender of any other in quotes.
bool is_finished_arrival(std::string_view rest) {
  return !begins(rest, kQuotedSender) && is_finished(rest.substr(4)) &&
         rest.find(kQuotedSender) == std::string_view::npos;
}

// Is nothing distrusted behind these lines, whatever came before them? They must hold kQuotedReach
// bytes, so that no quote from before reaches over them; any other arrival entry from before ends
// at the first finished one.
bool leave_nothing_open(std::string_view lines) {
  bool any = false;
  for (auto hit = kHeaders.find(lines); hit != WordFinder::kNone;) {
    const auto end = line_end(lines, hit);
    const auto rest = without_newline(lines.substr(hit, end - hit));
    if (rest.starts_with(kQuotedSender)) {
      if (ends_in_quotes(rest.substr(1))) return false;
    } else {
      if (!is_finished(rest.substr(4))) return false;
      any = true;
    }
    hit = kHeaders.find(lines, end);
  }
  return any;
}

}  // namespace

void Distrust::look_at_header(const std::optional<Prefix>& prefix, std::size_t length) {
  if (!prefix) return;
  auto entry = prefix->payload;
  bool quoted = true;
  if (const auto sender = refused_sender(entry); !sender.empty()) {
    if (!ends_in_quotes(sender)) return;
  } else {
    if (prefix->message_id.empty() || !(begins(entry, "<= ") || begins(entry, "(= "))) return;
    entry.remove_prefix(3);
    if (is_finished(entry)) return;
    quoted = !sender_length(entry);
  }
  const auto reach = quoted ? kQuotedReach : kReach;
  if (length >= reach) return;
  state.in_quotes = quoted;
  state.reach = reach - static_cast<std::uint32_t>(length);
}

void Distrust::pass_one(std::string_view line, const std::optional<Prefix>& prefix) {
  auto rest = without_newline(line);
  bool refused = false;  // its entry has no size
  if (state.in_quotes) {
    const auto quote = closing_quote(rest);
    if (quote != std::string_view::npos) {
      state.in_quotes = false;
      rest.remove_prefix(quote + 1);
      refused = rest.starts_with('@') && rest.find('>') != std::string_view::npos;
    }
  }
  const bool finished = !state.in_quotes && (refused || has_size(rest));
  const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(line.size(), kReach));
  state.reach = finished || state.reach <= length ? 0 : state.reach - length;
  if (state.reach == 0) state.in_quotes = false;
  // A newer unfinished entry takes the place of the older one. So what is distrusted never depends
  // on anything further back than kReach.
  look_at_header(prefix, line.size());
}

void Distrust::pass_over(std::string_view lines) {
  const auto pass_next_while_distrusted = [&] {
    while (state.reach > 0 && !lines.empty()) {
      const auto line = lines.substr(0, line_end(lines, 0));
      pass_one(line, parse_prefix(without_newline(line)));
      lines.remove_prefix(line.size());
    }
  };
  pass_next_while_distrusted();
  if (lines.size() > kQuotedReach) {
    const auto tail = line_begin(lines, lines.size() - kQuotedReach);
    if (leave_nothing_open(lines.substr(tail))) return;
  }
  if (lines.size() > kReach) lines.remove_prefix(line_end(lines, lines.size() - kReach - 1));
  for (auto hit = kHeaders.find(lines); hit != WordFinder::kNone; hit = kHeaders.find(lines)) {
    const auto end = line_end(lines, hit);
    if (!is_finished_arrival(without_newline(lines.substr(hit, end - hit)))) {
      const auto begin = line_begin(lines, hit);
      const auto line = lines.substr(begin, end - begin);
      look_at_header(parse_prefix(without_newline(line)), line.size());
    }
    lines.remove_prefix(end);
    pass_next_while_distrusted();
  }
}

bool Distrust::covers(std::string_view line, const std::optional<Prefix>& prefix) {
  if (state.reach > 0) {
    pass_one(line, prefix);
    return true;
  }
  look_at_header(prefix, line.size());
  return false;
}

}  // namespace parsers
