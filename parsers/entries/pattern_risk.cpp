#include "parsers/entries/pattern_risk.h"

#include <re2/re2.h>

#include <algorithm>
#include <vector>

namespace parsers {
namespace {

bool matches_blank(const std::string& atom) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1);
  return RE2::FullMatch(" ", RE2(atom, options));
}

// One atom of a regular expression at `text[i]`: an escape, a class or a byte. Leaves i behind it.
std::string take_atom(std::string_view text, std::size_t& i) {
  const auto begin = i;
  if (text[i] == '\\') {
    i = std::min(text.size(), i + 2);
    if (text[i - 1] == 'p' || text[i - 1] == 'P') {
      if (i < text.size() && text[i] == '{') i = std::min(text.find('}', i), text.size() - 1);
      ++i;
    }
  } else if (text[i] == '[') {
    ++i;
    if (i < text.size() && text[i] == '^') ++i;
    if (i < text.size() && text[i] == ']') ++i;
    while (i < text.size() && text[i] != ']') {
      if (text[i] == '\\') {
        ++i;
      } else if (text.substr(i).starts_with("[:")) {
        i = std::min(text.find(":]", i), text.size() - 1);
      }
      ++i;
    }
    ++i;
  } else {
    ++i;
  }
  i = std::min(i, text.size());
  return std::string(text.substr(begin, i - begin));
}

bool repeats(std::string_view text) {
  if (text.starts_with('*') || text.starts_with('+')) return true;
  if (!text.starts_with('{')) return false;
  const auto inside = text.substr(0, text.find('}'));
  const auto comma = inside.find(',');
  if (comma == std::string_view::npos) return inside.size() > 1 && inside[1] != '1';
  return true;
}

// "^a|b" is anchored in its first half alone.
bool is_split(std::string_view regex) {
  int depth = 0;
  for (std::size_t i = 0; i < regex.size();) {
    const auto atom = take_atom(regex, i);
    if (atom == "(") ++depth;
    if (atom == ")") --depth;
    if (atom == "|" && depth == 0) return true;
  }
  return false;
}

}  // namespace

std::string pattern_risk(std::string_view regex) {
  if (is_split(regex))
    return "its \"|\" stands outside of any group, so \"^\" holds for one side only";
  if (!regex.starts_with('^') && !regex.starts_with("\\A") && !regex.starts_with("(?s)^")) {
    return "it is not anchored with ^, so it can match inside text that a client wrote";
  }
  const auto start_of = [&](std::string_view name) {
    return regex.find("(?P<" + std::string(name) + ">");
  };
  const auto user = start_of("user");
  const auto host = start_of("host");
  const auto last = user == std::string_view::npos   ? host
                    : host == std::string_view::npos ? user
                                                     : std::max(user, host);
  std::vector<bool> blank_inside;  // of the open groups: do they hold an atom that matches a blank?
  std::vector<bool> identity;  // is it the group of an identity, whose content is checked anyway?
  for (std::size_t i = 0; i < last && i < regex.size();) {
    if (regex[i] == '(') {
      const bool named = i == user || i == host;
      identity.push_back(named || (!identity.empty() && identity.back()));
      blank_inside.push_back(false);
      ++i;
      if (regex.substr(i).starts_with("?P<")) {
        i = regex.find('>', i) + 1;
      } else if (regex.substr(i).starts_with('?')) {
        i = regex.find_first_of(":)", i) + 1;
        if (regex[i - 1] == ')') identity.pop_back(), blank_inside.pop_back();  // only flags
      }
      continue;
    }
    if (regex[i] == ')' && !identity.empty()) {
      const bool blank = blank_inside.back();
      const bool named = identity.back();
      identity.pop_back();
      blank_inside.pop_back();
      ++i;
      if (blank && !named && repeats(regex.substr(i))) {
        return "ahead of the identity a repeated group can pass over blanks, and so over fields a "
               "client wrote";
      }
      if (blank && !blank_inside.empty()) blank_inside.back() = true;
      continue;
    }
    const auto atom = take_atom(regex, i);
    if (atom == "|" || atom == "^" || atom == "$" || atom == "*" || atom == "+" || atom == "?")
      continue;
    if (!matches_blank(atom)) continue;
    if (!blank_inside.empty()) blank_inside.back() = true;
    const bool in_identity = !identity.empty() && identity.back();
    if (!in_identity && repeats(regex.substr(i))) {
      return "ahead of the identity \"" + atom +
             "\" can pass over blanks, and so over fields a client wrote";
    }
  }
  return {};
}

}  // namespace parsers
