// A log as a stream of bytes: plain, or packed by gzip, xz, zstd or bzip2 (told by content, not by
// name; concatenated members are one stream), or standard input.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "actions/result.h"

namespace agent {

class LogInput {
 public:
  // Every chunk but the last has this size, however the file is packed or a pipe is filled: what is
  // done once a chunk is done at the same bytes of the log each time.
  static constexpr std::size_t kChunk = std::size_t{256} * 1024;

  // Called once when a pipe or terminal lets us wait for its bytes.
  using OnWait = std::function<void(const std::string& what)>;
  // Asked while waiting; true ends the log here, as if it were over.
  using Stop = std::function<bool()>;
  struct Patience {
    OnWait on_wait;
    Stop stop;
  };

  // "-" is standard input. Errors name the file.
  static actions::Result<std::unique_ptr<LogInput>> open(const std::string& path,
                                                         Patience patience = {});
  ~LogInput();
  LogInput(const LogInput&) = delete;
  LogInput& operator=(const LogInput&) = delete;

  // From now on a thread reads and unpacks a few chunks ahead. Does nothing for pipes: what there
  // is to say about waiting is said by the thread that asks.
  void read_ahead();

  // The next bytes, empty at the end. They live until the next call. A packed file that ends early
  // or is damaged gives all that could be read and then an error.
  actions::Result<std::span<const char>> read();
  // What read() will give next, without taking it.
  actions::Result<std::span<const char>> peek();

  // Newest time a stamp in it can have: when the file was last written; now for other inputs.
  [[nodiscard]] std::int64_t written() const { return written_; }
  // A file that can be opened and read once more.
  [[nodiscard]] bool is_regular() const { return regular_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }  // on disk; 0 if not regular
  // Bytes of the file on disk that were read so far.
  [[nodiscard]] std::uint64_t taken() const { return taken_; }

 private:
  class Bytes;
  class Plain;
  class Packed;
  class Ahead;
  struct Chunk {
    Chunk() : bytes(kChunk) {}
    std::vector<char> bytes;
    std::size_t have = 0;                   // of bytes; less than kChunk only at the end
    std::uint64_t taken = 0;                // of the file on disk, up to its end
    std::unique_ptr<actions::Error> error;  // to be given after the bytes before it
  };

  explicit LogInput(std::unique_ptr<Bytes> bytes);
  static void fill(Bytes& from, Chunk& chunk);

  std::int64_t written_ = 0;  // seconds since 1970 UTC
  bool regular_ = false;
  std::uint64_t size_ = 0;
  std::uint64_t taken_ = 0;
  std::unique_ptr<Bytes> bytes_;
  std::unique_ptr<Ahead> ahead_;  // before bytes_ goes, so must it
  Chunk chunk_;
  bool peeked_ = false;
};

}  // namespace agent
