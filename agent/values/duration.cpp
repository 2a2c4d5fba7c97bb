#include "agent/values/duration.h"

#include <fmt/format.h>

#include <cstdint>

namespace agent {

std::optional<std::chrono::seconds> parse_duration(std::string_view text) {
  constexpr std::int64_t kCentury = std::int64_t{36525} * 86400;
  std::int64_t total = 0;
  if (text.empty()) return std::nullopt;
  while (!text.empty()) {
    std::int64_t value = 0;
    std::size_t digits = 0;
    while (digits < text.size() && digits < 10 && text[digits] >= '0' && text[digits] <= '9') {
      value = value * 10 + (text[digits++] - '0');
    }
    if (digits == 0 || digits == text.size()) return std::nullopt;
    std::int64_t unit = 0;
    switch (text[digits]) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86400;
        break;
      case 'w':
        unit = std::int64_t{7} * 86400;
        break;
      default:
        return std::nullopt;
    }
    total += value * unit;
    if (value > kCentury || total > kCentury) return std::nullopt;
    text.remove_prefix(digits + 1);
  }
  return std::chrono::seconds(total);
}

std::string duration_text(std::chrono::seconds duration) {
  struct Unit {
    std::int64_t seconds;
    char letter;
  };
  constexpr Unit kUnits[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
  auto left = duration.count();
  std::string text;
  for (const auto& [seconds, letter] : kUnits) {
    if (left >= seconds) text += fmt::format("{}{}", left / seconds, letter);
    left %= seconds;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace agent
