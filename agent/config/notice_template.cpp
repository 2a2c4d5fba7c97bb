#include "agent/config/notice_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "agent/config/spelling.h"

namespace agent {
namespace {

struct Piece {
  std::string_view text;
  bool name = false;
};

// The pieces, or the place of a brace that is alone.
std::optional<std::size_t> split(std::string_view text, std::vector<Piece>& pieces) {
  for (std::size_t at = 0; at < text.size();) {
    const auto brace = text.find_first_of("{}", at);
    if (brace == std::string_view::npos) {
      pieces.push_back({text.substr(at)});
      break;
    }
    pieces.push_back({text.substr(at, brace - at)});
    if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
      pieces.push_back({text.substr(brace, 1)});
      at = brace + 2;
      continue;
    }
    const auto end = text.find_first_of("{}", brace + 1);
    if (text[brace] == '}' || end == std::string_view::npos || text[end] == '{') return brace;
    pieces.push_back({text.substr(brace + 1, end - brace - 1), true});
    at = end + 1;
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& template_names() {
  static const std::vector<std::string> names{
      "server", "event",     "kind",  "identity",   "rule",     "count",
      "limit",  "period",    "time",  "first",      "until",    "list",
      "line",   "list_line", "hosts", "recipients", "commands", "subject"};
  return names;
}

std::string template_problem(std::string_view text) {
  std::vector<Piece> pieces;
  if (split(text, pieces))
    return "a text whose braces hold names, like {identity}; a brace itself is written twice";
  const auto& names = template_names();
  for (const auto& piece : pieces) {
    if (!piece.name || std::find(names.begin(), names.end(), piece.text) != names.end()) continue;
    const auto hint = nearest(piece.text, names);
    return fmt::format("a text with names it knows; {{{}}} is none{}; there are {}", piece.text,
                       hint.empty() ? "" : fmt::format(" (did you mean {{{}}}?)", hint),
                       fmt::join(names, ", "));
  }
  return {};
}

std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string, std::string>>& values) {
  std::vector<Piece> pieces;
  split(text, pieces);
  std::string out;
  for (const auto& piece : pieces) {
    if (!piece.name) {
      out += piece.text;
      continue;
    }
    const auto value = std::find_if(values.begin(), values.end(),
                                    [&](const auto& known) { return known.first == piece.text; });
    if (value != values.end()) out += value->second;
  }
  return out;
}

}  // namespace agent
