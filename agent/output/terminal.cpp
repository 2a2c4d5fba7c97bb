#include "agent/output/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <cstring>

#include "agent/values/printable.h"

namespace agent {
namespace {

std::size_t width(int file) {
  if (const char* set = std::getenv("COLUMNS"); set != nullptr) {
    std::size_t columns = 0;
    const auto end = set + std::strlen(set);
    if (std::from_chars(set, end, columns).ptr == end && columns > 0) return columns;
  }
  winsize size{};
  if (::ioctl(file, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

const char* code(Paint paint) {
  switch (paint) {
    case Paint::red:
      return "\033[31m";
    case Paint::yellow:
      return "\033[33m";
    case Paint::green:
      return "\033[32m";
    case Paint::bold:
      break;
  }
  return "\033[1m";
}

// Characters, without what paints them.
std::size_t shown_columns(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\033') {
      i = std::min(text.find('m', i), text.size());
    } else if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80) {
      ++columns;
    }
  }
  return columns;
}

Terminal terminal_on(int file) {
  if (::isatty(file) == 0) return {false, 0};
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool colours = (no_color == nullptr || *no_color == '\0') && term != nullptr &&
                       std::strcmp(term, "dumb") != 0;
  return {colours, std::max<std::size_t>(width(file), 20)};
}

}  // namespace

Terminal Terminal::standard_output() {
  return terminal_on(STDOUT_FILENO);
}

Terminal Terminal::standard_error() {
  return terminal_on(STDERR_FILENO);
}

std::string Terminal::painted(Paint paint, std::string_view text) const {
  if (!colours_) return std::string(text);
  return code(paint) + std::string(text) + "\033[0m";
}

std::string Terminal::fitted(std::string_view text, std::size_t used) const {
  if (columns_ == 0) return std::string(text);
  return printable(text, columns_ > used + 10 ? columns_ - used : 10);
}

std::string Terminal::wrapped(std::string_view text, std::size_t indent, std::size_t begin) const {
  if (columns_ == 0) return std::string(text);
  const auto least = std::max<std::size_t>(columns_, indent + 20);
  std::string out;
  std::size_t column = begin;
  bool any = false;  // a word stands in this line
  while (!text.empty()) {
    const auto blanks = std::min(text.find_first_not_of(' '), text.size());
    const auto end = std::min(text.find(' ', blanks), text.size());
    const auto word = text.substr(blanks, end - blanks);
    const auto wide = shown_columns(word);
    const auto fits = [&](std::size_t at) { return at + wide <= least; };
    if (fits(column + blanks) || (!any && begin == 0 && out.empty())) {
      out.append(text.substr(0, end));
      column += blanks + wide;
    } else {
      // What is longer than a line stands alone, as far to the left as it needs.
      const auto own = fits(indent) ? indent : least > wide ? least - wide : 0;
      while (out.ends_with(' ')) out.pop_back();
      out.append("\n").append(own, ' ').append(word);
      column = own + wide;
    }
    any = true;
    text.remove_prefix(end);
  }
  return out;
}

}  // namespace agent
