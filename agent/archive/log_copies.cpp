#include "agent/archive/log_copies.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include "agent/archive/interrupt.h"
#include "agent/archive/log_input.h"

namespace agent {
namespace {

// Some lines: long enough that what is found is the place, or nearly always.
constexpr std::size_t kHead = 2048;
// A log that repeats its own lines again and again is not worth more looks.
constexpr int kPlaces = 16;
// No line of Exim is shorter.
constexpr std::size_t kLine = 24;

// A log byte by byte; what can't be read ends it.
class Bytes {
 public:
  explicit Bytes(const std::string& path) {
    auto opened = LogInput::open(path);
    if (opened) {
      input_ = std::move(opened.value());
    } else {
      fault_ = opened.error();
    }
  }
  // What comes next, empty at the end.
  std::string_view ahead() {
    while (rest_.empty() && input_ != nullptr) {
      const auto chunk = input_->read();
      if (!chunk) fault_ = chunk.error();
      if (!chunk || chunk.value().empty()) {
        input_.reset();
      } else {
        rest_ = {chunk.value().data(), chunk.value().size()};
      }
    }
    return rest_;
  }
  void take(std::size_t size) { rest_.remove_prefix(size); }
  void skip(std::uint64_t size) {
    while (size > 0 && !ahead().empty()) {
      const auto step = std::min<std::uint64_t>(size, rest_.size());
      take(step);
      size -= step;
    }
  }
  [[nodiscard]] const std::optional<actions::Error>& fault() const { return fault_; }

 private:
  std::unique_ptr<LogInput> input_;
  std::string_view rest_;
  std::optional<actions::Error> fault_;
};

struct Common {
  Sameness sameness = Sameness::different;
  std::uint64_t size = 0;   // of the bytes that are the same
  std::uint64_t lines = 0;  // as far as whole lines go
};

Common compare(Bytes& left, Bytes& right) {
  Common common;
  while (!Interrupt::requested()) {
    const auto x = left.ahead(), y = right.ahead();
    const auto size = std::min(x.size(), y.size());
    if (size == 0) {
      common.sameness = x.size() == y.size() ? Sameness::equal
                        : x.empty()          ? Sameness::left_in_right
                                             : Sameness::right_in_left;
      return common;
    }
    if (std::memcmp(x.data(), y.data(), size) != 0) return common;
    const auto newline = x.substr(0, size).rfind('\n');
    if (newline != std::string_view::npos) common.lines = common.size + newline + 1;
    common.size += size;
    left.take(size);
    right.take(size);
  }
  return {};
}

std::string head_of(const std::string& path) {
  Bytes bytes(path);
  return std::string(bytes.ahead().substr(0, kHead));
}

// Where `head` begins in `window`, at `from` or later; at the end of a log also where that ends
// inside of it.
std::optional<std::size_t> place_of(std::string_view head, std::string_view window,
                                    std::size_t from, bool over) {
  if (from >= window.size()) return std::nullopt;
  if (!over) {
    const auto* found =
        ::memmem(window.data() + from, window.size() - from, head.data(), head.size());
    if (found == nullptr) return std::nullopt;
    return static_cast<std::size_t>(static_cast<const char*>(found) - window.data());
  }
  for (auto at = from; at < window.size(); ++at) {
    if (head.starts_with(window.substr(at))) return at;
  }
  return std::nullopt;
}

}  // namespace

Sameness compare_logs(const std::string& left, const std::string& right) {
  Bytes a(left), b(right);
  return compare(a, b).sameness;
}

std::optional<Overlap> overlap_of(const std::string& earlier, const std::string& later) {
  const auto head = head_of(later);
  if (head.empty()) return std::nullopt;
  Bytes bytes(earlier);
  std::string window;           // what was read last, and enough before it
  std::uint64_t window_at = 0;  // of its first byte in `earlier`
  std::size_t from = 1;         // of window: tried before here. Both from 0 is for compare_logs
  int places = 0;
  while (!Interrupt::requested()) {
    const auto chunk = bytes.ahead();
    const bool over = chunk.empty();
    window.append(chunk);
    bytes.take(chunk.size());
    while (const auto at = place_of(head, window, from, over)) {
      Bytes left(earlier), right(later);
      left.skip(window_at + *at);
      const auto common = compare(left, right);
      if (common.sameness == Sameness::equal || common.sameness == Sameness::right_in_left) {
        return Overlap{common.size, true, right.fault()};
      }
      if (common.sameness == Sameness::left_in_right && common.lines >= kLine) {
        return Overlap{common.lines, false, std::nullopt};
      }
      if (++places == kPlaces) return std::nullopt;
      from = *at + 1;
    }
    if (over) return std::nullopt;
    // A head that begins in the last bytes goes on in the next chunk.
    const auto done = window.size() - std::min(window.size(), head.size() - 1);
    from = std::max(from, done) - done;
    window.erase(0, done);
    window_at += done;
  }
  return std::nullopt;
}

}  // namespace agent
