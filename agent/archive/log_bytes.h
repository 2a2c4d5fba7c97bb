// The source of a log's bytes: a plain file or pipe, or a packed one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "actions/result.h"

namespace agent {

class LogBytes {
 public:
  // What to do while a pipe or terminal has no bytes.
  struct Patience {
    std::function<void(const std::string& what)> on_wait;  // called once when a wait begins
    std::function<bool()> stop;  // asked while waiting; true ends the log here
  };
  struct Opened {
    std::unique_ptr<LogBytes> bytes;
    bool regular = false;  // a file that can be opened and read once more
    bool packed = false;
    std::uint64_t size = 0;    // on disk; 0 if not regular
    std::int64_t written = 0;  // seconds since 1970 UTC; now if not regular
  };
  // "-" is standard input. Errors name the file.
  static actions::Result<Opened> open(const std::string& path, Patience patience);

  LogBytes() = default;
  virtual ~LogBytes() = default;
  LogBytes(const LogBytes&) = delete;
  LogBytes& operator=(const LogBytes&) = delete;

  // Fills at least one byte of `out`; returns 0 at the end.
  virtual actions::Result<std::size_t> fill(std::span<char> out) = 0;
  // Returns true if several threads at once can read any place of it, by fill_at(). `at` counts
  // from where fill() began.
  [[nodiscard]] virtual bool is_seekable() const { return false; }
  virtual actions::Result<std::size_t> fill_at(std::uint64_t at, std::span<char> out) const;
  [[nodiscard]] virtual std::uint64_t taken() const = 0;  // bytes on disk that fill() has read
};

}  // namespace agent
