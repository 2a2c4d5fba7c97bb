#include "parsers/fields/syslog.h"

#include <algorithm>

#include "parsers/scan/scan.h"

namespace parsers {
namespace {

bool all_digits(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// "<22>" as on the wire.
void take_priority(std::string_view& line) {
  if (!line.starts_with('<')) return;
  const auto end = line.find('>');
  if (end <= 4 && all_digits(line.substr(1, end - 1))) {
    line.remove_prefix(end + 1);
  }
}

bool is_exim(std::string_view program) {
  return program.find("exim") != std::string_view::npos;
}

// "mail.info", as BusyBox names a priority.
bool is_priority(std::string_view word) {
  constexpr std::string_view kLevels[] = {"emerg", "panic",   "alert",  "crit", "err",  "error",
                                          "warn",  "warning", "notice", "info", "debug"};
  const auto dot = word.find('.');
  return dot != std::string_view::npos && dot > 0 &&
         std::find(std::begin(kLevels), std::end(kLevels), word.substr(dot + 1)) !=
             std::end(kLevels);
}

// "-" or "[id name="value"...]..."; a quote, a backslash and a "]" in a value have a backslash.
bool eat_structured_data(Cursor& cursor) {
  if (cursor.eat("-")) return true;
  bool any = false;
  while (cursor.eat("[")) {
    bool quoted = false;
    std::size_t at = 0;
    for (; at < cursor.rest.size() && (quoted || cursor.rest[at] != ']'); ++at) {
      if (cursor.rest[at] == '"') quoted = !quoted;
      if (quoted && cursor.rest[at] == '\\') ++at;
    }
    if (at >= cursor.rest.size()) return false;
    cursor.rest.remove_prefix(at + 1);
    any = true;
  }
  return any;
}

// What follows the version.
std::optional<SyslogLine> take_rfc5424(std::string_view line, SyslogLine found) {
  constexpr std::string_view kUtf8 = "\xEF\xBB\xBF";
  const auto stamp = take_iso_stamp(line);
  if (!stamp) return std::nullopt;
  found.stamp = *stamp;
  Cursor cursor{line};
  const auto word = [&] { return cursor.eat(" ") ? cursor.token() : std::string_view(); };
  const auto host = word(), program = word();
  found.pid = word();
  if (host.empty() || !is_exim(program) || !all_digits(found.pid) || word().empty() ||
      !cursor.eat(" ") || !eat_structured_data(cursor) || !cursor.eat(" ")) {
    return std::nullopt;
  }
  cursor.eat(kUtf8);
  found.message = cursor.rest;
  return found;
}

struct PieceNumber {
  std::uint32_t piece = 0, of = 0;
  std::size_t length = 0;  // of "[n/m] "
  bool at_newline = false;
};

// "[1/3] " or, where the entry was cut at a newline, "[1\3] ".
std::optional<PieceNumber> piece_number(std::string_view message) {
  PieceNumber number;
  std::size_t at = 1;
  const auto take = [&](std::uint32_t& value) {
    const auto begin = at;
    while (at < message.size() && at - begin < 4 && message[at] >= '0' && message[at] <= '9') {
      value = value * 10 + static_cast<std::uint32_t>(message[at++] - '0');
    }
    return at > begin;
  };
  if (!message.starts_with('[') || !take(number.piece) || at >= message.size()) return std::nullopt;
  number.at_newline = message[at] == '\\';
  if (!number.at_newline && message[at] != '/') return std::nullopt;
  ++at;
  if (!take(number.of) || !message.substr(at).starts_with("] ")) return std::nullopt;
  if (number.piece < 1 || number.piece > number.of) return std::nullopt;
  number.length = at + 2;
  return number;
}

}  // namespace

std::optional<SyslogLine> parse_syslog(std::string_view line, CivilSeconds not_after) {
  take_priority(line);
  SyslogLine found;
  if (begins(line, "1 ")) return take_rfc5424(line.substr(2), found);
  if (const auto iso = take_iso_stamp(line)) {
    found.stamp = *iso;
  } else if (const auto bsd = take_bsd_stamp(line, not_after)) {
    found.stamp = *bsd;
  } else if (const auto full = take_full_stamp(line)) {
    found.stamp = *full;
  } else {
    return std::nullopt;
  }
  Cursor cursor{line};
  if (!cursor.eat(" ")) return std::nullopt;
  auto word = cursor.token();
  // The host's name, and behind it or in its place what BusyBox says of the priority.
  for (int i = 0; i < 2 && !word.ends_with(':'); ++i) {
    if (!cursor.eat(" ") || (i == 1 && !is_priority(word))) return std::nullopt;
    word = cursor.token();
  }
  if (!word.ends_with("]:") || !cursor.eat(" ")) return std::nullopt;
  const auto bracket = word.find('[');
  if (bracket == std::string_view::npos) return std::nullopt;
  if (!is_exim(word.substr(0, bracket))) return std::nullopt;
  found.pid = word.substr(bracket + 1, word.size() - bracket - 3);
  if (!all_digits(found.pid)) return std::nullopt;
  found.message = cursor.rest;
  return found;
}

std::optional<Prefix> parse_syslog_message(const Stamp& stamp, std::string_view message) {
  if (auto own = take_exim_stamp(message)) return parse_after_stamp(*own, message);
  // Without Exim's stamp there is no blank before what follows.
  Prefix prefix{stamp, {}, message};
  if (message.starts_with('[')) {
    const auto end = message.find("] ");
    if (end != std::string_view::npos && all_digits(message.substr(1, end - 1))) {
      prefix.payload.remove_prefix(end + 2);
    }
  }
  prefix.message_id = leading_message_id(prefix.payload);
  if (!prefix.message_id.empty()) {
    prefix.payload.remove_prefix(std::min(prefix.payload.size(), prefix.message_id.size() + 1));
  }
  return prefix;
}

SyslogPieces::Result SyslogPieces::add(std::string_view pid, std::string_view message,
                                       std::string_view& entry) {
  const auto number = piece_number(message);
  if (!number) {
    entry = message;
    return Result::whole;
  }
  message.remove_prefix(number->length);
  auto found = parts.find(pid);
  if (number->piece == 1) {
    if (found != parts.end()) {
      ++lost_;
      parts.erase(found);
    }
    if (parts.size() >= kMaxProcesses) {
      lost_ += parts.size();
      parts.clear();
    }
    found = parts.emplace(std::string(pid), Part{1, number->of, {}}).first;
  } else if (found == parts.end() || found->second.next != number->piece ||
             found->second.of != number->of) {
    ++lost_;
    if (found != parts.end()) parts.erase(found);
    return Result::held;
  }
  auto& part = found->second;
  if (part.text.size() + message.size() > 65536) {
    ++lost_;
    parts.erase(found);
    return Result::held;
  }
  part.text.append(message);
  if (number->at_newline) part.text.push_back('\n');
  if (number->piece < number->of) {
    ++part.next;
    return Result::held;
  }
  joined_ = std::move(part.text);
  parts.erase(found);
  // Only what stands before a newline is the entry's own beginning.
  entry = std::string_view(joined_).substr(0, joined_.find('\n'));
  return Result::joined;
}

bool SyslogCopies::duplicated() const {
  if (duplication_) return *duplication_;
  return state.single < 3 || state.single <= 4 * state.paired;
}

bool SyslogCopies::is_copy(std::string_view pid, std::string_view message) {
  auto found = state.last.find(pid);
  if (found != state.last.end()) {
    auto& [text, copied] = found->second;
    if (!copied && text == message) {
      ++state.paired;
      if (duplicated()) {
        copied = true;
        return true;
      }
      return false;
    }
    if (!copied) ++state.single;
    text = message;
    copied = false;
    return false;
  }
  if (state.last.size() >= kMaxProcesses) state.last.clear();
  state.last.emplace(std::string(pid), std::pair(std::string(message), false));
  return false;
}

}  // namespace parsers
