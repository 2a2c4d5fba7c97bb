// A log read in chunks, ahead of its turn, by threads; they also do what can be done with a chunk
// before its turn. Chunks come in order, and the thread that asks for them lends a hand instead of
// waiting.
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
  // Every chunk but the last has this size, however the file is packed or a pipe is filled: what is
  // done once a chunk is done at the same bytes of the log each time.
  static constexpr std::size_t kSize = std::size_t{256} * 1024;

  void fill_from(LogBytes& from);
  // The chunk of this number, if any place of the log can be read.
  void fill_from(const LogBytes& from, std::uint64_t number);

  std::vector<char> bytes;                // none before it is first filled, then always kSize
  std::size_t have = 0;                   // of bytes; less than kSize only at the end
  std::uint64_t taken = 0;                // of the file on disk, up to its end
  std::unique_ptr<actions::Error> error;  // to be given after the bytes before it
  parsers::PreparedBlock prepared;        // of the bytes, or not usable
};

// Chunks that are done with, for whoever fills one next, on any thread: new memory is dear, and
// what was put back last is still in the cache.
class SpareChunks {
 public:
  // A new one if there is none. Nothing of it is prepared.
  std::unique_ptr<LogChunk> take();
  void put(std::unique_ptr<LogChunk> chunk);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<LogChunk>> chunks_;
};

class ReadAhead {
 public:
  // What is done with the bytes of a chunk. Made once for each thread.
  using Prepare = std::function<void(std::span<const char>, parsers::PreparedBlock&)>;
  using MakePrepare = std::function<Prepare()>;

  // `first`: the number of the first chunk, from 0. At least one thread; throws std::system_error
  // if there is none to be had. `chunks`: how many may wait for their turn, more than there are
  // threads. `make` may be empty. `spare`: not null.
  ReadAhead(LogBytes& from, std::uint64_t first, std::size_t threads, std::size_t chunks,
            const MakePrepare& make, std::shared_ptr<SpareChunks> spare);
  ~ReadAhead();
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The next chunk takes the place of `chunk`, which becomes a spare one. At the end it is empty.
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
  std::uint64_t claimed_;   // of the first chunk that nobody has begun to read
  std::uint64_t last_ = std::numeric_limits<std::uint64_t>::max();  // the one that is not full
  bool filling_ = false;  // somebody reads a log that can only be read in order
  bool stop_ = false;
  Prepare prepare_;  // of the thread that asks
  std::vector<std::thread> threads_;
};

}  // namespace agent
