#include "actions/lists/lsearch.h"

#include <algorithm>

namespace actions {
namespace {

// C's isspace, whatever the locale.
bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

int octal(char c) {
  return c >= '0' && c <= '7' ? c - '0' : -1;
}

int hex(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// One escape after a backslash at text[i]; leaves i behind it.
char unescape(std::string_view text, std::size_t& i) {
  const char c = text[i++];
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'v':
      return '\v';
    case 'x': {
      int value = 0;
      for (int digits = 0; digits < 2 && i < text.size() && hex(text[i]) >= 0; ++digits) {
        value = value * 16 + hex(text[i++]);
      }
      return static_cast<char>(value);
    }
    default:
      break;
  }
  if (octal(c) < 0) return c;
  int value = octal(c);
  for (int digits = 1; digits < 3 && i < text.size() && octal(text[i]) >= 0; ++digits) {
    value = value * 8 + octal(text[i++]);
  }
  return static_cast<char>(value);
}

// The key at the start of a line, and where the rest begins.
std::string take_key(std::string_view line, std::size_t& at) {
  std::string key;
  at = 0;
  if (line.starts_with('"')) {
    for (at = 1; at < line.size() && line[at] != '"';) {
      if (line[at] == '\\' && at + 1 < line.size()) {
        ++at;
        key.push_back(unescape(line, at));
      } else {
        key.push_back(line[at++]);
      }
    }
    if (at < line.size()) ++at;
    return key;
  }
  while (at < line.size() && line[at] != ':' && !is_space(line[at])) key.push_back(line[at++]);
  return key;
}

std::string trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return std::string(text);
}

}  // namespace

std::vector<ListEntry> read_list(std::string_view content) {
  std::vector<ListEntry> entries;
  bool hidden = false;  // fgets stops at LF only, but Exim takes the text up to a NUL: without the
                        // LF in sight it thinks the line goes on, and swallows the next one
  for (std::size_t begin = 0; begin < content.size();) {
    const auto newline = content.find('\n', begin);
    const auto end = newline == std::string_view::npos ? content.size() : newline + 1;
    auto line = content.substr(begin, end - begin);
    const auto nul = line.find('\0');
    const bool swallowed = hidden;
    hidden = nul != std::string_view::npos;
    if (hidden) line = line.substr(0, nul);

    const bool continuation = !line.empty() && is_space(line[0]) && !trimmed(line).empty();
    if (swallowed || continuation) {
      if (!entries.empty()) entries.back().end = end;
    } else if (!trimmed(line).empty() && line[0] != '#') {
      while (is_space(line.back())) line.remove_suffix(1);
      ListEntry entry;
      std::size_t at = 0;
      entry.key = take_key(line, at);
      auto data = line.substr(at);
      while (!data.empty() && is_space(data.front())) data.remove_prefix(1);
      if (data.starts_with(':')) data.remove_prefix(1);
      entry.data = trimmed(data);
      entry.begin = begin;
      entry.end = end;
      entries.push_back(std::move(entry));
    }
    begin = end;
  }
  return entries;
}

bool same_key(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                            [](char x, char y) { return lower(x) == lower(y); });
}

std::string folded_key(std::string_view key) {
  std::string folded(key);
  std::transform(folded.begin(), folded.end(), folded.begin(), lower);
  return folded;
}

std::optional<std::string> quoted_key(std::string_view key) {
  if (key.empty() || key.size() > kMaxKey || key.find('\0') != std::string_view::npos)
    return std::nullopt;
  // Unquoted keys take every byte as it is, so anything that could end or hide one wants quotes.
  const bool plain = std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
           c == '@' || c == '_' || c == '-' || c == '+' || c == '=';
  });
  if (plain) return std::string(key);
  std::string out = "\"";
  for (const char c : key) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      const auto byte = static_cast<unsigned char>(c);
      out.push_back('\\');
      out.push_back(static_cast<char>('0' + (byte >> 6)));
      out.push_back(static_cast<char>('0' + (byte >> 3 & 7)));
      out.push_back(static_cast<char>('0' + (byte & 7)));
    } else {
      out.push_back(c);
    }
  }
  return out + '"';
}

std::optional<std::string> list_line(std::string_view key, std::string_view data) {
  auto line = quoted_key(key);
  if (!line) return std::nullopt;
  line->append(": ");
  for (const char c : data.substr(0, 1000)) {
    line->push_back(static_cast<unsigned char>(c) < ' ' || c == 0x7f ? '?' : c);
  }
  line->push_back('\n');
  return line;
}

}  // namespace actions
