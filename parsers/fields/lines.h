// A splitter of bytes, in any chunking, into blocks of whole lines. The last line is held back
// until its LF is there: a reader can see half a line, although Exim writes a line by one write(2).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace parsers {

// Exim's own limit is 8192 bytes (macros.h LOG_BUFFER_SIZE), syslog's prefix comes on top. A longer
// line is no entry of Exim's: it is counted, never parsed.
inline constexpr std::size_t kMaxLine = 65536;

// Return the beginning of the line that holds text[at] or begins there, and the end of that line,
// behind its LF (0 if there is no LF).
[[nodiscard]] std::size_t line_begin(std::string_view text, std::size_t at);
[[nodiscard]] std::size_t line_end(std::string_view text, std::size_t at);

class WholeLines {
 public:
  // Called with one or more whole lines, each ending in LF; the view dies with the call.
  using OnBlock = std::function<void(std::string_view block)>;
  // Called for a line of more than kMaxLine bytes (with its LF), whose text was not kept.
  using OnDropped = std::function<void(std::uint64_t bytes)>;

  void feed(std::span<const char> bytes, const OnBlock& on_block, const OnDropped& on_dropped);
  // Forgets the held-back part, e.g. when another file begins. Returns its length.
  std::uint64_t restart();
  [[nodiscard]] std::uint64_t pending() const { return dropping_ ? dropped_ : partial_.size(); }

 private:
  std::string partial_;        // the beginning of a line, at most kMaxLine bytes
  bool dropping_ = false;      // inside a line that is too long
  std::uint64_t dropped_ = 0;  // its bytes so far
};

}  // namespace parsers
