// An output row: one result as a line of text, JSON or CSV, with named fields in a fixed order.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace agent {

enum class Output { text, jsonl, csv };
std::optional<Output> output_named(std::string_view name);

class OutputRow {
 public:
  struct Json {
    std::string text;
  };
  using Value =
      std::variant<std::nullptr_t, std::uint64_t, std::string, std::vector<std::string>, Json>;

  // Strings may hold any bytes; they are escaped when written.
  OutputRow& add(std::string_view name, std::string_view value);
  // nullopt becomes null.
  OutputRow& add_optional(std::string_view name, const std::optional<std::string_view>& value);
  OutputRow& add(std::string_view name, std::uint64_t value);
  // Adds an array; in CSV it is one cell with blanks between (blanks inside become "\x20").
  OutputRow& add(std::string_view name, const std::vector<std::string>& values);
  // Adds a value that is JSON already; null if it is not. In CSV it is one cell.
  OutputRow& add_json(std::string_view name, std::string_view text);

  [[nodiscard]] std::string json() const;  // one object, ASCII only, no newline
  // RFC 4180, no newline. Text that a spreadsheet would take for a formula (it begins with one of
  // "=+-@") gets a "'" in front; JSON has every byte as it is.
  [[nodiscard]] std::string csv() const;
  [[nodiscard]] std::string csv_header() const;  // the names
  [[nodiscard]] const std::vector<std::pair<std::string, Value>>& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, Value>> fields_;
};

}  // namespace agent
