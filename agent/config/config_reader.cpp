#include "agent/config/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "agent/config/spelling.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

ConfigProblem problem_at(const std::string& file, const toml::source_region& place, std::string key,
                         const std::string& what) {
  return {file, place.begin.line, place.begin.column, std::move(key), printable(what)};
}

std::string joined(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string shown(const toml::node& node) {
  std::ostringstream type;
  type << node.type();
  if (const auto text = node.value<std::string>(); text && node.is_string())
    return fmt::format("\"{}\"", *text);
  if (const auto number = node.value<std::int64_t>(); number && node.is_integer())
    return fmt::format("{}", *number);
  if (const auto truth = node.value<bool>(); truth && node.is_boolean())
    return *truth ? "true" : "false";
  return fmt::format("of type {}", type.str());
}

}  // namespace

void Problems::add(const toml::source_region& place, std::string key, const std::string& what) {
  problems.push_back(problem_at(file_, place, std::move(key), what));
}

void Problems::warn(const toml::source_region& place, std::string key, const std::string& what) {
  warnings.push_back(problem_at(file_, place, std::move(key), what));
}

const toml::node* SectionReader::node(const char* key) {
  if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) asked_.emplace_back(key);
  return table_.get(key);
}

std::string SectionReader::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

toml::source_region SectionReader::place(const char* key) const {
  const auto* found = table_.get(key);
  return found != nullptr ? found->source() : table_.source();
}

void SectionReader::wrong_type(const char* key, const toml::node& found,
                               const std::string& accepted, const std::vector<std::string>& words) {
  const auto text = found.is_string() ? found.value<std::string>() : std::nullopt;
  const auto hint = text ? did_you_mean(nearest(*text, words)) : "";
  problems_.add(found.source(), path_of(key),
                fmt::format("is {}{}; accepted: {}", shown(found), hint, accepted));
}

void SectionReader::no_such_choice(const char* key, const toml::node& place,
                                   const std::string& word, const std::vector<std::string>& names) {
  problems_.add(place.source(), path_of(key),
                fmt::format("is \"{}\"{}; accepted: {}", word, did_you_mean(nearest(word, names)),
                            joined(names)));
}

bool SectionReader::plain_text(const char* key, std::string& out) {
  const auto* found = node(key);
  if (found == nullptr) return false;
  const auto value = found->value<std::string>();
  if (!found->is_string() || !value) {
    wrong_type(key, *found, "a string in quotes");
    return false;
  }
  out = *value;
  return true;
}

void SectionReader::text(const char* key, std::string& out, const Check& check) {
  std::string value;
  if (!plain_text(key, value)) return;
  if (const auto accepted = check ? check(value) : ""; !accepted.empty()) {
    return complain(key, fmt::format("is \"{}\"; accepted: {}", value, accepted));
  }
  out = value;
}

void SectionReader::secret(const char* key, std::string& out, const Check& check) {
  const auto* found = node(key);
  if (found == nullptr) return;
  const auto accepted = found->is_string() ? check(found->value_or(std::string())) : "a string";
  if (!accepted.empty()) return complain(key, "is not accepted; accepted: " + accepted);
  out = found->value_or(std::string());
}

const toml::array* SectionReader::list(const char* key) {
  const auto* found = node(key);
  if (found == nullptr) return nullptr;
  if (!found->is_array()) {
    wrong_type(key, *found, "a list in square brackets");
    return nullptr;
  }
  return found->as_array();
}

void SectionReader::texts(const char* key, std::vector<std::string>& out, const Check& check) {
  const auto* array = list(key);
  if (array == nullptr) return;
  out.clear();
  for (const auto& element : *array) {
    const auto value = element.value<std::string>();
    if (!element.is_string() || !value) {
      wrong_type(key, element, "a list of strings");
    } else if (const auto accepted = check ? check(*value) : ""; !accepted.empty()) {
      problems_.add(element.source(), path_of(key),
                    fmt::format("holds \"{}\"; accepted: {}", *value, accepted));
    } else {
      out.push_back(*value);
    }
  }
}

void SectionReader::number(const char* key, std::int64_t low, std::int64_t high,
                           const std::function<void(std::int64_t)>& out) {
  const auto* found = node(key);
  if (found == nullptr) return;
  const auto value = found->value<std::int64_t>();
  if (!found->is_integer() || !value || *value < low || *value > high) {
    return wrong_type(key, *found, fmt::format("a whole number from {} to {}", low, high));
  }
  out(*value);
}

void SectionReader::duration(const char* key, std::chrono::seconds low, std::chrono::seconds high,
                             std::chrono::seconds& out) {
  const auto* found = node(key);
  if (found == nullptr) return;
  const auto accepted = fmt::format(
      "a duration with its units in quotes, like \"90s\" or \"1h30m\" (w d h m s), from {} to {}",
      duration_text(low), duration_text(high));
  const auto text = found->value<std::string>();
  const auto value = found->is_string() && text ? parse_duration(*text) : std::nullopt;
  if (!value || *value < low || *value > high) return wrong_type(key, *found, accepted);
  out = *value;
}

void SectionReader::durations(const char* key, std::chrono::seconds low, std::chrono::seconds high,
                              std::chrono::seconds forever,
                              std::vector<std::chrono::seconds>& out) {
  const auto* found = node(key);
  if (found == nullptr) return;
  out.clear();
  const auto accepted = fmt::format(
      "a duration with its units in quotes, like \"1h30m\" (w d h m s), from {} to {}, or "
      "\"forever\"; or a list of them",
      duration_text(low), duration_text(high));
  const auto take = [&](const toml::node& element) {
    const auto text = element.is_string() ? element.value<std::string>() : std::nullopt;
    const auto value = !text                ? std::nullopt
                       : *text == "forever" ? std::optional(forever)
                                            : parse_duration(*text);
    if (!value || (*value != forever && (*value < low || *value > high)))
      return wrong_type(key, element, accepted, {"forever"});
    out.push_back(*value);
  };
  if (!found->is_array()) return take(*found);
  for (const auto& element : *found->as_array()) take(element);
}

void SectionReader::percent(const char* key, std::uint32_t& out) {
  std::string written;
  text(key, written, [&](const std::string& text) {
    const bool good = text.empty() || ((text.size() == 2 || text.size() == 3) && text[0] != '0' &&
                                       text.back() == '%' &&
                                       text.find_first_not_of("0123456789") == text.size() - 1);
    if (!good) return std::string("a share from \"1%\" to \"99%\", or \"\" for none");
    out = text.empty() ? 0 : static_cast<std::uint32_t>(std::stoul(text));
    return std::string();
  });
}

void SectionReader::prefixes(const char* key, int& v4, int& v6) {
  const auto* found = node(key);
  if (found == nullptr) return;
  const auto* array = found->as_array();
  const auto bits = [&](std::size_t i, std::int64_t most) -> std::optional<int> {
    if (array == nullptr || array->size() != 2 || !(*array)[i].is_integer()) return std::nullopt;
    const auto value = *(*array)[i].value<std::int64_t>();
    return value >= 1 && value <= most ? std::optional(static_cast<int>(value)) : std::nullopt;
  };
  const auto first = bits(0, 32), second = bits(1, 128);
  if (!first || !second)
    return wrong_type(key, *found, "two numbers of bits, for IPv4 and IPv6, like [24, 48]");
  v4 = *first;
  v6 = *second;
}

void SectionReader::networks(const char* key, std::vector<Network>& out) {
  const auto* array = list(key);
  if (array == nullptr) return;
  out.clear();
  for (const auto& element : *array) {
    const auto text = element.value<std::string>();
    if (!element.is_string() || !text) {
      wrong_type(key, element, "a list of strings");
      continue;
    }
    if (const auto network = Network::parse(*text)) {
      out.push_back(*network);
      continue;
    }
    std::string hint;
    const auto slash = text->find('/');
    const auto address = IpAddress::parse(std::string_view(*text).substr(0, slash));
    if (address && slash != std::string::npos) {
      for (int prefix = 0; prefix <= (address->v6 ? 128 : 32); ++prefix) {
        if (text->substr(slash + 1) == std::to_string(prefix)) {
          hint = did_you_mean(Network::around(*address, prefix).text());
        }
      }
    }
    problems_.add(
        element.source(), path_of(key),
        fmt::format("holds \"{}\"{}; accepted: an address or a network like \"192.0.2.0/24\" or "
                    "\"2001:db8::/32\"",
                    *text, hint));
  }
}

void SectionReader::boolean(const char* key, bool& out) {
  const auto* found = node(key);
  if (found == nullptr) return;
  const auto truth = found->value<bool>();
  if (!found->is_boolean() || !truth) return wrong_type(key, *found, "true, false");
  out = *truth;
}

void SectionReader::tristate(const char* key, Tristate& out) {
  const auto* found = node(key);
  if (found == nullptr) return;
  if (const auto truth = found->value<bool>(); found->is_boolean() && truth) {
    out = *truth ? Tristate::yes : Tristate::no;
  } else if (found->is_string() && found->value<std::string>() == "auto") {
    out = Tristate::automatic;
  } else {
    wrong_type(key, *found, "true, false, \"auto\"", {"true", "false", "auto"});
  }
}

const toml::table* SectionReader::table(const char* key) {
  const auto* found = node(key);
  if (found == nullptr) return nullptr;
  if (!found->is_table()) {
    wrong_type(key, *found, fmt::format("a table, written as [{}]", path_of(key)));
    return nullptr;
  }
  return found->as_table();
}

std::vector<const toml::table*> SectionReader::tables(const char* key) {
  std::vector<const toml::table*> found;
  const auto* value = node(key);
  if (value == nullptr) return found;
  const auto* array = value->as_array();
  if (array == nullptr || (!array->empty() && !array->is_homogeneous(toml::node_type::table))) {
    wrong_type(key, *value, fmt::format("tables, each written as [[{}]]", path_of(key)));
    return found;
  }
  for (const auto& element : *array) found.push_back(element.as_table());
  return found;
}

void SectionReader::finish() {
  for (const auto& [key, value] : table_) {
    const std::string name(key.str());
    if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
    auto known = asked_;
    std::sort(known.begin(), known.end());
    problems_.add(key.source(), path_of(name),
                  fmt::format("is no known key{}; accepted here: {}",
                              did_you_mean(nearest(name, asked_)), joined(known)));
  }
}

}  // namespace agent
