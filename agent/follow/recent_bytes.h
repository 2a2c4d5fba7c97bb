// RecentBytes: the last bytes that were read of a log. The file may be cut or replaced at any time:
// these bytes tell whether it is still the same, and in which copy of it reading continues.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace agent {

class RecentBytes {
 public:
  static constexpr std::size_t kLine = 512;  // before the end of the last whole line
  static constexpr std::size_t kMost = std::size_t{64} * 1024;  // with the half line after it

  // Adds the bytes just read. `pending`: how many of the last bytes, these included, belong to no
  // whole line yet.
  void add(std::span<const char> fresh, std::uint64_t pending) {
    const auto keep = static_cast<std::size_t>(std::min<std::uint64_t>(kLine + pending, kMost));
    if (fresh.size() >= keep) {
      bytes_.assign(fresh.end() - static_cast<std::ptrdiff_t>(keep), fresh.end());
      return;
    }
    bytes_.append(fresh.data(), fresh.size());
    if (bytes_.size() > keep) bytes_.erase(0, bytes_.size() - keep);
  }
  void set(std::string bytes) { bytes_ = std::move(bytes); }
  void clear() { bytes_.clear(); }

  // Returns at most `most` of the last bytes.
  [[nodiscard]] std::string_view last(std::size_t most) const {
    return std::string_view(bytes_).substr(bytes_.size() - std::min(bytes_.size(), most));
  }
  // Returns `want` bytes before the last `pending`; nullopt: so many are not kept.
  [[nodiscard]] std::optional<std::string_view> before(std::uint64_t pending,
                                                       std::size_t want) const {
    if (bytes_.size() < want || bytes_.size() - want < pending) return std::nullopt;
    return std::string_view(bytes_).substr(bytes_.size() - pending - want, want);
  }

 private:
  std::string bytes_;
};

}  // namespace agent
