#include "parsers/distrust.h"

#include <algorithm>
#include <optional>

#include "parsers/prefix.h"

namespace parsers {
namespace {

// End of the sender at the start of `text`: the first blank outside quotes. nullopt: still quoted.
std::optional<std::size_t> sender_length(std::string_view text) {
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
  for (auto at = text.find(" S="); at != std::string_view::npos; at = text.find(" S=", at + 1)) {
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

}  // namespace

void Distrust::look_at_header(std::string_view line) {
  const auto prefix = parse_prefix(without_newline(line));
  if (!prefix || prefix->message_id.empty()) return;
  auto entry = prefix->payload;
  if (!entry.starts_with("<= ") && !entry.starts_with("(= ")) return;
  entry.remove_prefix(3);

  const auto sender = sender_length(entry);
  if (sender && has_size(entry.substr(*sender))) return;
  const auto reach = sender ? kReach : kQuotedReach;
  if (line.size() >= reach) return;
  state.in_quotes = !sender;
  state.reach = reach - static_cast<std::uint32_t>(line.size());
}

void Distrust::pass_one(std::string_view line) {
  auto rest = without_newline(line);
  if (state.in_quotes) {
    const auto quote = closing_quote(rest);
    if (quote != std::string_view::npos) {
      state.in_quotes = false;
      rest.remove_prefix(quote + 1);
    }
  }
  const bool finished = !state.in_quotes && has_size(rest);
  const auto length = static_cast<std::uint32_t>(std::min<std::size_t>(line.size(), kReach));
  state.reach = finished || state.reach <= length ? 0 : state.reach - length;
  if (state.reach == 0) state.in_quotes = false;
  // A newer unfinished entry takes the place of the older one. So what is distrusted never depends
  // on anything further back than kReach.
  look_at_header(line);
}

void Distrust::pass_over(std::string_view lines) {
  const auto pass_next_while_distrusted = [&] {
    while (state.reach > 0 && !lines.empty()) {
      const auto length = lines.find('\n') + 1;
      pass_one(lines.substr(0, length));
      lines.remove_prefix(length);
    }
  };
  pass_next_while_distrusted();
  if (lines.size() > kReach) {
    lines.remove_prefix(lines.find('\n', lines.size() - kReach - 1) + 1);
  }
  std::size_t from = 0;
  for (;;) {
    const auto mark = lines.find("= ", from);
    if (mark == std::string_view::npos) return;
    from = mark + 1;
    if (mark < 2 || lines[mark - 2] != ' ' || (lines[mark - 1] != '<' && lines[mark - 1] != '(')) {
      continue;
    }
    const auto begin = lines.rfind('\n', mark) + 1;  // npos + 1 == 0
    const auto end = lines.find('\n', mark) + 1;
    look_at_header(lines.substr(begin, end - begin));
    lines.remove_prefix(end);
    from = 0;
    pass_next_while_distrusted();
  }
}

bool Distrust::covers(std::string_view line) {
  if (state.reach > 0) {
    pass_one(line);
    return true;
  }
  look_at_header(line);
  return false;
}

}  // namespace parsers
