#include "parsers/reasons/reason_catalog.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <utility>

#include "parsers/reasons/reason_catalog_text.h"

namespace parsers {
namespace {

using Words = std::map<std::string, std::string, std::less<>>;

bool is_name(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// "{user} unknown" -> "(?:users?|recipients?) unknown". A word may use those before it. Counts such
// as "{0,3}" stay. nullopt: `missing` is a word that the catalog does not have.
std::optional<std::string> written_out(std::string_view regex, const Words& words,
                                       std::string& missing) {
  std::string out;
  while (!regex.empty()) {
    const auto open = std::min(regex.find('{'), regex.size());
    out += regex.substr(0, open);
    regex.remove_prefix(open);
    const auto close = regex.find('}');
    if (close == std::string_view::npos || close < 2 || regex[1] < 'a' || regex[1] > 'z') {
      out += regex.substr(0, 1);
      regex.remove_prefix(std::min<std::size_t>(1, regex.size()));
      continue;
    }
    const auto name = regex.substr(1, close - 1);
    const auto word = words.find(name);
    if (word == words.end()) {
      missing = name;
      return std::nullopt;
    }
    out += "(?:" + word->second + ")";
    regex.remove_prefix(close + 1);
  }
  return out;
}

class CatalogReader {
 public:
  ReasonCatalog catalog;
  std::string problem;  // the first one; empty: none

  void read(const toml::table& top) {
    for (const auto& [key, node] : top) {
      if (key != "date" && key != "word" && key != "pattern") fail(node, "unknown key", key.str());
    }
    catalog.date = top["date"].value_or(std::string());
    if (catalog.date.size() < 10) fail(top, "no date of the form", "\"2026-11-30\"");
    each(top, "word", [&](const toml::table& word) { read_word(word); });
    each(top, "pattern", [&](const toml::table& pattern) { read_pattern(pattern); });
    if (catalog.patterns.empty()) fail(top, "no", "[[pattern]]");
  }

 private:
  void fail(const toml::node& at, std::string_view what, std::string_view name) {
    if (!problem.empty()) return;
    problem = "line " + std::to_string(at.source().begin.line) + ": " + std::string(what) + " " +
              std::string(name);
  }

  template <class Read>
  void each(const toml::table& top, const char* key, Read&& read) {
    const auto* node = top.get(key);
    if (node == nullptr) return;
    const auto* list = node->as_array();
    if (list == nullptr) return fail(*node, "no list of tables:", key);
    for (const auto& element : *list) {
      const auto* table = element.as_table();
      if (table == nullptr) return fail(element, "no table:", key);
      read(*table);
    }
  }

  // The values of these keys, all of them texts and all there; no other key may be.
  template <std::size_t N>
  bool texts(const toml::table& table, const std::array<const char*, N>& keys,
             std::array<std::string, N>& values) {
    for (std::size_t i = 0; i < N; ++i) {
      const auto value = table[keys[i]].template value<std::string>();
      if (!value || value->empty()) {
        const auto name = table["name"].template value_or<std::string>("it");
        fail(table, name + " has no text", keys[i]);
        return false;
      }
      values[i] = *value;
    }
    for (const auto& [key, node] : table) {
      const std::string_view found = key.str();
      if (std::find(keys.begin(), keys.end(), found) == keys.end()) {
        fail(node, "unknown key", found);
        return false;
      }
    }
    return true;
  }

  std::optional<std::string> regex_of(const toml::table& table, const std::string& text) {
    std::string missing;
    auto regex = written_out(text, words_, missing);
    if (!regex) fail(table, "no [[word]] before it is named", missing);
    return regex;
  }

  void read_word(const toml::table& table) {
    std::array<std::string, 2> values;
    if (!texts<2>(table, {"name", "regex"}, values)) return;
    if (!is_name(values[0]) || words_.count(values[0]) > 0) {
      return fail(table, "no name, or one that is there already:", values[0]);
    }
    if (auto regex = regex_of(table, values[1])) words_.emplace(values[0], std::move(*regex));
  }

  void read_pattern(const toml::table& table) {
    std::array<std::string, 5> values;
    if (!texts<5>(table, {"name", "class", "regex", "sample", "other_sample"}, values)) return;
    ReasonPattern pattern;
    pattern.name = values[0];
    const bool twice = std::any_of(catalog.patterns.begin(), catalog.patterns.end(),
                                   [&](const auto& known) { return known.name == pattern.name; });
    if (!is_name(pattern.name) || twice) {
      return fail(table, "no name, or one that is there already:", pattern.name);
    }
    for (const auto reason : {Reason::missing, Reason::other, Reason::spam, Reason::listed}) {
      if (values[1] == name_of(reason)) pattern.reason = reason;
    }
    if (pattern.reason == Reason::unknown)
      return fail(table, "class is \"missing\", \"other\", \"spam\" or \"listed\", not", values[1]);
    auto regex = regex_of(table, values[2]);
    if (!regex) return;
    pattern.regex = std::move(*regex);
    pattern.sample = std::move(values[3]);
    pattern.other_sample = std::move(values[4]);
    catalog.patterns.push_back(std::move(pattern));
  }

  Words words_;
};

}  // namespace

std::string_view name_of(Reason reason) {
  constexpr std::array<std::string_view, 5> kNames{"missing", "other", "unknown", "spam", "listed"};
  return kNames[static_cast<std::size_t>(reason)];
}

actions::Result<ReasonCatalog, std::string> parse_reason_catalog(std::string_view toml) {
  try {
    CatalogReader reader;
    reader.read(toml::parse(toml));
    if (!reader.problem.empty()) return std::move(reader.problem);
    return std::move(reader.catalog);
  } catch (const toml::parse_error& error) {
    return "line " + std::to_string(error.source().begin.line) + ": " +
           std::string(error.description());
  }
}

const ReasonCatalog& built_in_reasons() {
  static const ReasonCatalog kCatalog = parse_reason_catalog(kReasonCatalogText).value();
  return kCatalog;
}

}  // namespace parsers
