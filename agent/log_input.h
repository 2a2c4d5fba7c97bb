// A log as a stream of bytes: plain, or packed by gzip, xz, zstd or bzip2 (told by content, not by
// name; concatenated members are one stream), or standard input.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "actions/result.h"

namespace agent {

class LogInput {
 public:
  // "-" is standard input. Errors name the file.
  static actions::Result<std::unique_ptr<LogInput>> open(const std::string& path);
  virtual ~LogInput() = default;

  // The next bytes, empty at the end. They live until the next call. A packed file that ends early
  // gives what could be read and then an error.
  virtual actions::Result<std::span<const char>> read() = 0;

  // Newest time a stamp in it can have: when the file was last written; now for standard input.
  [[nodiscard]] std::int64_t written() const { return written_; }

 protected:
  std::int64_t written_ = 0;  // seconds since 1970 UTC
};

}  // namespace agent
