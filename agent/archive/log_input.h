// A log as a stream of bytes: plain, or packed by gzip, xz, zstd or bzip2 (recognised by content,
// not by name; concatenated members are one stream), or standard input.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "actions/result.h"
#include "agent/archive/log_bytes.h"
#include "agent/archive/read_ahead.h"

namespace agent {

class LogInput {
 public:
  static constexpr std::size_t kChunk = LogChunk::kSize;
  using Patience = LogBytes::Patience;

  // "-" is standard input. Errors name the file.
  static actions::Result<std::unique_ptr<LogInput>> open(const std::string& path,
                                                         Patience patience = {});
  LogInput(const LogInput&) = delete;
  LogInput& operator=(const LogInput&) = delete;

  // From now on, `threads` threads read and unpack a few chunks ahead (at most `bytes`, if given),
  // and prepare them, in memory from `spare` (null: its own). Does nothing for pipes: the thread
  // that reads must report that it waits.
  void read_ahead(std::size_t threads, const ReadAhead::MakePrepare& make = {},
                  std::size_t bytes = 0, std::shared_ptr<SpareChunks> spare = nullptr);

  // Returns the next bytes, empty at the end. They live until the next call. A packed file that
  // ends early or is damaged gives all that can be read, and then an error.
  actions::Result<std::span<const char>> read();
  // Returns what read() will return next, without taking it.
  actions::Result<std::span<const char>> peek();
  // Returns the block prepared from the bytes that were returned last, if usable().
  parsers::PreparedBlock& prepared() { return chunk_->prepared; }

  // Returns the newest time that a timestamp in it can have: when the file was last written; for
  // other inputs, now.
  [[nodiscard]] std::int64_t written() const { return opened_.written; }
  // Returns true for a file that can be opened and read once more.
  [[nodiscard]] bool is_regular() const { return opened_.regular; }
  [[nodiscard]] bool is_packed() const { return opened_.packed; }
  [[nodiscard]] std::uint64_t size() const { return opened_.size; }  // on disk; 0 if not regular
  // Returns the bytes of the file on disk that were read so far.
  [[nodiscard]] std::uint64_t taken() const { return chunk_->taken; }

 private:
  explicit LogInput(LogBytes::Opened opened);

  LogBytes::Opened opened_;
  std::unique_ptr<ReadAhead> ahead_;  // must be destroyed before opened_
  std::unique_ptr<LogChunk> chunk_ = std::make_unique<LogChunk>();
  std::uint64_t chunks_ = 0;  // read without a thread
  bool peeked_ = false;
};

// Returns the number of processors that this process may use.
[[nodiscard]] std::size_t usable_processors();

}  // namespace agent
