// A prepared block: the events of a block of log lines, parsed ahead of its turn as if no earlier
// line affects them. Any thread may prepare blocks. The LogReader takes a block whose assumptions
// hold, and reads the lines itself otherwise: the events are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <span>
#include <vector>

#include "parsers/entries/reader.h"

namespace parsers {

class PreparedBlock {
 public:
  // Returns false if nothing is prepared.
  [[nodiscard]] bool usable() const { return usable_; }
  void discard() { usable_ = false; }

 private:
  friend class LogReader;
  friend class BlockPreparer;
  enum class Item : std::uint8_t { event, arrival, completed };
  struct Arrived {
    std::string_view message_id;
    Stamp stamp;
    Arrival arrival;
  };
  void clear();

  bool usable_ = false;
  std::size_t begin_ = 0, end_ = 0;  // the whole lines, in the bytes they were prepared from
  // The items to hand out, in order. Views point into those bytes; lines and offsets count from
  // begin_.
  std::vector<Item> items_;
  std::vector<Event> events_;
  std::deque<Tagged> tagged_;  // of events that have one
  std::vector<Arrived> arrivals_;
  std::vector<std::string_view> completed_;
  // The reader's state, before and after, and its counters.
  bool junk_before_ = false, junk_after_ = false;
  Distrust::State distrust_after_;
  ReaderCounters counters_;
};

// Prepares blocks; one for each thread.
class BlockPreparer : private EventSink {
 public:
  // Returns true if lines between these wall-clock times may settle what a timestamp means, as in
  // EventSink.
  using NeedsEveryStamp = std::function<bool(CivilSeconds first, CivilSeconds last)>;

  // `options`: those of the reader that takes the blocks.
  BlockPreparer(ReaderOptions options, NeedsEveryStamp needs_every_stamp);

  // `bytes` may be any bytes of a log file, also from the middle of a line. `junk_seen`: the
  // reader's, as it will be at these bytes.
  void prepare(std::span<const char> bytes, bool junk_seen, PreparedBlock& block);

 private:
  void on_event(const Event& event) override;
  bool needs_every_stamp(CivilSeconds first, CivilSeconds last) override;
  void on_stamp(const Stamp& stamp) override;
  void on_arrival(std::string_view message_id, const Stamp& stamp, const Arrival& arrival) override;
  void on_completed(std::string_view message_id) override;

  LogReader reader_;
  NeedsEveryStamp needs_every_stamp_;
  PreparedBlock* block_ = nullptr;
};

}  // namespace parsers
