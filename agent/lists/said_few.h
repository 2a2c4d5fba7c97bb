// SaidFew: says the first few of many like things, and how many more there were.
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <functional>
#include <string>

namespace agent {

class SaidFew {
 public:
  static constexpr std::size_t kEach = 5;

  explicit SaidFew(const std::function<void(const std::string&)>& say) : say_(say) {}
  void operator()(const std::string& text) {
    if (++count_ <= kEach) say_(text);
  }
  // Is called after the last thing; says "{path}: N more {what}".
  void end(const std::string& path, const char* what) {
    if (count_ > kEach) say_(fmt::format("{}: {} more {}", path, count_ - kEach, what));
  }

 private:
  const std::function<void(const std::string&)>& say_;
  std::size_t count_ = 0;
};

}  // namespace agent
