// Reads a log in chunks, ahead of its turn, by threads, which also prepare each chunk as far as
// that can be done before its turn. Chunks come in order, and the thread that asks for them helps
// instead of waiting.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "agent/archive/log_bytes.h"
#include "parsers/entries/prepared.h"

namespace agent {

struct LogChunk {
  // Every chunk but the last has this size, however the file is packed or a pipe is filled: work
  // that is done once for each chunk is done at the same bytes of the log each time.
  static constexpr std::size_t kSize = std::size_t{256} * 1024;

  void fill_from(LogBytes& from);
  // Fills the chunk of this number; any place of the log must be readable.
  void fill_from(const LogBytes& from, std::uint64_t number);

  std::vector<char> bytes;                // empty until it is first filled, then always kSize
  std::size_t have = 0;                   // of bytes; less than kSize only at the end
  std::uint64_t taken = 0;                // of the file on disk, up to its end
  std::unique_ptr<actions::Error> error;  // reported after the bytes before it
  parsers::PreparedBlock prepared;        // of the bytes, or not usable
};

// Spare chunks, to be filled again by any thread: new memory is expensive, and the chunk that was
// put back last is still in the cache.
class SpareChunks {
 public:
  // Returns a spare chunk, or a new one if there is none. Nothing in it is prepared.
  std::unique_ptr<LogChunk> take();
  void put(std::unique_ptr<LogChunk> chunk);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<LogChunk>> chunks_;
};

class ReadAhead {
 public:
  // Prepares the bytes of a chunk. Made once for each thread.
  using Prepare = std::function<void(std::span<const char>, parsers::PreparedBlock&)>;
  using MakePrepare = std::function<Prepare()>;

  // `first`: the number of the first chunk, from 0. At least one thread; throws std::system_error
  // if no thread can be started. `chunks`: how many may wait for their turn; more than `threads`.
  // `make` may be empty. `spare`: not null.
  ReadAhead(LogBytes& from, std::uint64_t first, std::size_t threads, std::size_t chunks,
            const MakePrepare& make, std::shared_ptr<SpareChunks> spare);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // Replaces `chunk` by the next one and makes the old one a spare. At the end the chunk is empty.
  void next(std::unique_ptr<LogChunk>& chunk);

 private:
  struct Slot {
    std::unique_ptr<LogChunk> chunk;
    bool full = false;
  };
  using Lock = std::unique_lock<std::mutex>;
  [[nodiscard]] bool can_claim() const;
  void stop();
  void run(const Prepare& prepare);
  void work(Lock& lock, const Prepare& prepare);
  void fill(Lock& lock, LogChunk& chunk, std::uint64_t number);

  LogBytes& from_;
  const bool seekable_;
  std::shared_ptr<SpareChunks> spare_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Slot> ring_;  // the chunk of number n is made in ring_[n % size]
  std::uint64_t given_;     // number of the chunk that is asked for next
  std::uint64_t claimed_;   // of the first chunk that no thread has begun to read
  std::uint64_t last_ = std::numeric_limits<std::uint64_t>::max();  // the one that is not full
  bool filling_ = false;  // a thread reads a log that can only be read in order
  bool stop_ = false;
  Prepare prepare_;  // of the thread that asks
  std::vector<std::thread> threads_;
};

}  // namespace agent
