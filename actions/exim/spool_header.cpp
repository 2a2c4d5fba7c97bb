#include "actions/exim/spool_header.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace actions {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <class Number>
bool read_number(std::string_view text, Number& value) {
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end;
}

// The next line without its newline; nullopt if it has none.
std::optional<std::string_view> take_line(std::string_view& rest) {
  const auto end = rest.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

// "bob 1000 1000": the numbers are the last two words, whatever the name is.
bool read_login(std::string_view line, std::string& login) {
  for (int number = 0; number < 2; ++number) {
    const auto blank = line.rfind(' ');
    std::int64_t value = 0;
    if (blank == std::string_view::npos || !read_number(line.substr(blank + 1), value))
      return false;
    line = line.substr(0, blank);
  }
  login = line;
  return !line.empty();
}

bool read_times(std::string_view line, std::int64_t& received) {
  const auto blank = line.find(' ');
  std::int64_t warnings = 0;
  return blank != std::string_view::npos && read_number(line.substr(0, blank), received) &&
         read_number(line.substr(blank + 1), warnings);
}

// "[192.0.2.1]:4711", or as old versions wrote it "192.0.2.1.4711"; the port may be missing.
std::string without_port(std::string_view text) {
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return std::string(end == std::string_view::npos ? text : text.substr(1, end - 1));
  }
  const auto dots = std::count(text.begin(), text.end(), '.');
  const bool v6 = text.find(':') != std::string_view::npos;
  if (v6 ? dots == 1 : dots == 4) text = text.substr(0, text.rfind('.'));
  return std::string(text);
}

struct Field {
  std::string_view name, value;
};

// "-name value". A second dash marks a value from outside, and "(kind)" behind it how it was
// quoted.
Field field_of(std::string_view line) {
  line.remove_prefix(line.starts_with("--") ? 2 : 1);
  if (line.starts_with('(')) line.remove_prefix(std::min(line.find(')'), line.size() - 1) + 1);
  const auto blank = line.find(' ');
  if (blank == std::string_view::npos) return {line, {}};
  return {line.substr(0, blank), line.substr(blank + 1)};
}

// An ACL variable: "name length", and the value on the lines after it.
bool skip_variable(std::string_view about, std::string_view& rest) {
  const auto blank = about.rfind(' ');
  std::size_t length = 0;
  if (blank == std::string_view::npos || !read_number(about.substr(blank + 1), length))
    return false;
  if (length >= rest.size() || rest[length] != '\n') return false;
  rest.remove_prefix(length + 1);
  return true;
}

bool take_fields(std::string_view& rest, QueuedMessage& message) {
  while (rest.starts_with('-')) {
    const auto line = take_line(rest);
    if (!line) return false;
    const auto [name, value] = field_of(*line);
    if (name == "aclm" || name == "aclc" || name == "acl") {
      if (!skip_variable(value, rest)) return false;
    } else if (name == "frozen") {
      message.frozen = true;
    } else if (name == "manual_thaw") {
      message.thawed_by_hand = true;
    } else if (name == "auth_id") {
      message.user = value;
    } else if (name == "host_auth") {
      message.authenticator = value;
    } else if (name == "host_address") {
      message.host = without_port(value);
    }
  }
  return true;
}

// The tree of addresses that need no more delivery, the number of recipients, and the recipients.
bool skip_recipients(std::string_view& rest) {
  std::optional<std::string_view> line;
  do {
    line = take_line(rest);
    if (!line || line->empty()) return false;
  } while (!std::all_of(line->begin(), line->end(), is_digit));
  std::size_t count = 0;
  if (!read_number(*line, count)) return false;
  for (; count > 0; --count) {
    line = take_line(rest);
    if (!line || line->empty()) return false;
  }
  line = take_line(rest);
  return line && line->empty();
}

// "038  Date: ...": the length, a letter (* is a header line that was removed), a blank, the line.
bool take_headers(std::string_view& rest, std::uint64_t& size) {
  while (!rest.empty()) {
    const auto digits = static_cast<std::size_t>(
        std::find_if_not(rest.begin(), rest.end(), is_digit) - rest.begin());
    std::size_t length = 0;
    if (digits < 3 || !read_number(rest.substr(0, digits), length)) return false;
    rest.remove_prefix(digits);
    if (rest.size() < 2 || rest[1] != ' ' || length > rest.size() - 2) return false;
    if (rest[0] != '*') size += length;
    rest.remove_prefix(length + 2);
  }
  return true;
}

}  // namespace

bool is_message_id(std::string_view text) {
  return (text.size() == 16 || text.size() == 23) && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
         });
}

bool parse_spool_header(std::string_view text, std::string_view id, QueuedMessage& message) {
  message = {};
  if (!is_message_id(id)) return false;
  message.id = id;
  const auto name = take_line(text);
  if (!name || *name != message.id + "-H") return false;
  const auto login = take_line(text);
  if (!login || !read_login(*login, message.login)) return false;
  const auto sender = take_line(text);
  if (!sender || !sender->starts_with('<') || !sender->ends_with('>')) return false;
  const auto times = take_line(text);
  return times && read_times(*times, message.received) && take_fields(text, message) &&
         skip_recipients(text) && take_headers(text, message.size);
}

}  // namespace actions
