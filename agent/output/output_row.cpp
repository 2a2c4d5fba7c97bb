#include "agent/output/output_row.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "agent/values/printable.h"

namespace agent {
namespace {

// One cell of RFC 4180.
void append_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace

std::optional<Output> output_named(std::string_view name) {
  if (name == "text") return Output::text;
  if (name == "jsonl") return Output::jsonl;
  if (name == "csv") return Output::csv;
  return std::nullopt;
}

OutputRow& OutputRow::add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, std::string(value));
  return *this;
}

OutputRow& OutputRow::add_optional(std::string_view name,
                                   const std::optional<std::string_view>& value) {
  if (value) return add(name, *value);
  fields_.emplace_back(name, nullptr);
  return *this;
}

OutputRow& OutputRow::add(std::string_view name, std::uint64_t value) {
  fields_.emplace_back(name, value);
  return *this;
}

OutputRow& OutputRow::add(std::string_view name, const std::vector<std::string>& values) {
  fields_.emplace_back(name, values);
  return *this;
}

OutputRow& OutputRow::add_json(std::string_view name, std::string_view text) {
  if (nlohmann::json::accept(text)) {
    fields_.emplace_back(name, Json{std::string(text)});
  } else {
    fields_.emplace_back(name, nullptr);
  }
  return *this;
}

std::string OutputRow::json() const {
  nlohmann::ordered_json object;
  for (const auto& [name, value] : fields_) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      object[name] = as_utf8(*text);
    } else if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      object[name] = *number;
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      auto array = nlohmann::ordered_json::array();
      for (const auto& one : *texts) array.push_back(as_utf8(one));
      object[name] = std::move(array);
    } else if (const auto* made = std::get_if<Json>(&value)) {
      object[name] = nlohmann::ordered_json::parse(made->text);
    } else {
      object[name] = nullptr;
    }
  }
  // ASCII only: no terminal and no line splitter finds anything to act on. DEL is all that is left.
  const auto text = object.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\x7f') {
      out += "\\u007f";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

std::string OutputRow::csv() const {
  std::string out;
  for (const auto& [name, value] : fields_) {
    if (!out.empty() || name != fields_.front().first) out.push_back(',');
    if (const auto* number = std::get_if<std::uint64_t>(&value)) {
      out += fmt::format("{}", *number);
    } else if (const auto* text = std::get_if<std::string>(&value)) {
      const bool formula = text->size() > 1 &&
                           std::string_view("=+-@").find(text->front()) != std::string_view::npos;
      append_quoted((formula ? "'" : "") + printable(*text), out);
    } else if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      std::string joined;
      for (const auto& one : *texts) {
        if (!joined.empty()) joined.push_back(' ');
        for (const char c : printable(one)) c == ' ' ? joined += "\\x20" : joined += c;
      }
      append_quoted(joined, out);
    } else if (const auto* made = std::get_if<Json>(&value)) {
      append_quoted(printable(made->text), out);
    }
  }
  return out;
}

std::string OutputRow::csv_header() const {
  std::string out;
  for (const auto& [name, value] : fields_) {
    if (!out.empty()) out.push_back(',');
    out += name;
  }
  return out;
}

}  // namespace agent
