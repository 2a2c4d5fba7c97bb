#include "parsers/fields/lines.h"

#include <cstring>
#include <utility>

namespace parsers {

std::size_t line_begin(std::string_view text, std::size_t at) {
  // string_view::rfind looks at one byte after the other.
  const void* newline = ::memrchr(text.data(), '\n', at);
  return newline == nullptr
             ? 0
             : static_cast<std::size_t>(static_cast<const char*>(newline) - text.data()) + 1;
}

std::size_t line_end(std::string_view text, std::size_t at) {
  return text.find('\n', at) + 1;  // npos + 1 == 0
}

void WholeLines::feed(std::span<const char> bytes, const OnBlock& on_block,
                      const OnDropped& on_dropped) {
  std::string_view chunk(bytes.data(), bytes.size());

  // First finish the line that an earlier chunk began.
  if (pending() > 0) {
    const auto newline = chunk.find('\n');
    const auto take = newline == std::string_view::npos ? chunk.size() : newline + 1;
    if (!dropping_ && partial_.size() + take > kMaxLine) {
      dropping_ = true;
      dropped_ = partial_.size();
      partial_.clear();
    }
    if (dropping_) {
      dropped_ += take;
    } else {
      partial_.append(chunk.substr(0, take));
    }
    chunk.remove_prefix(take);
    if (newline == std::string_view::npos) return;
    if (dropping_) {
      dropping_ = false;
      on_dropped(std::exchange(dropped_, 0));
    } else {
      on_block(partial_);
      partial_.clear();
    }
  }

  const auto last = chunk.rfind('\n');
  if (last != std::string_view::npos) {
    on_block(chunk.substr(0, last + 1));
    chunk.remove_prefix(last + 1);
  }
  if (chunk.size() > kMaxLine) {
    dropping_ = true;
    dropped_ = chunk.size();
  } else {
    partial_.assign(chunk);
  }
}

std::uint64_t WholeLines::restart() {
  const auto lost = pending();
  partial_.clear();
  dropping_ = false;
  dropped_ = 0;
  return lost;
}

}  // namespace parsers
