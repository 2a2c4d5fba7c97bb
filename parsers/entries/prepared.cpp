#include "parsers/entries/prepared.h"

#include <utility>

namespace parsers {

void PreparedBlock::clear() {
  usable_ = false;
  items_.clear();
  events_.clear();
  tagged_.clear();
  arrivals_.clear();
  completed_.clear();
}

BlockPreparer::BlockPreparer(ReaderOptions options, NeedsEveryStamp needs_every_stamp)
    : reader_(std::move(options)), needs_every_stamp_(std::move(needs_every_stamp)) {}

void BlockPreparer::prepare(std::span<const char> bytes, bool junk_seen, PreparedBlock& block) {
  block.clear();
  const std::string_view text(bytes.data(), bytes.size());
  const auto first = text.find('\n');
  const auto last = text.rfind('\n');
  if (first == last) return;
  block.begin_ = first + 1;
  block.end_ = last + 1;
  block.usable_ = true;
  block_ = &block;
  reader_.prepare(text.substr(block.begin_, block.end_ - block.begin_), junk_seen, *this, block);
}

void BlockPreparer::on_event(const Event& event) {
  block_->items_.push_back(PreparedBlock::Item::event);
  auto& kept = block_->events_.emplace_back(event);
  if (event.tagged != nullptr) set_tagged(block_->tagged_.emplace_back(*event.tagged), kept);
}

bool BlockPreparer::needs_every_stamp(CivilSeconds first, CivilSeconds last) {
  if (needs_every_stamp_(first, last)) block_->usable_ = false;
  return false;
}

void BlockPreparer::on_stamp(const Stamp& stamp) {
  (void)stamp;
  block_->usable_ = false;
}

void BlockPreparer::on_arrival(std::string_view message_id, const Stamp& stamp,
                               const Arrival& arrival) {
  block_->items_.push_back(PreparedBlock::Item::arrival);
  block_->arrivals_.push_back({message_id, stamp, arrival});
}

void BlockPreparer::on_completed(std::string_view message_id) {
  block_->items_.push_back(PreparedBlock::Item::completed);
  block_->completed_.push_back(message_id);
}

void LogReader::feed(std::span<const char> bytes, PreparedBlock& prepared, EventSink& sink) {
  if (!prepared.usable()) return feed(bytes, sink);
  feed(bytes.first(prepared.begin_), sink);
  if (!can_take(prepared)) return feed(bytes.subspan(prepared.begin_), sink);
  take(prepared, sink);
  feed(bytes.subspan(prepared.end_), sink);
}

void LogReader::prepare(std::string_view block, bool junk_seen, EventSink& sink,
                        PreparedBlock& prepared) {
  offset_ = 0;
  line_ = 0;
  form_ = Form::file;
  junk_seen_ = junk_seen;
  distrust_.state = {};
  counters_ = {};
  on_block(block, sink);
  prepared.junk_before_ = junk_seen;
  prepared.junk_after_ = junk_seen_;
  prepared.distrust_after_ = distrust_.state;
  prepared.counters_ = counters_;
}

bool LogReader::can_take(const PreparedBlock& prepared) const {
  return form_ == Form::file && distrust_.state == Distrust::State{} && lines_.pending() == 0 &&
         (options_.junk_helo || junk_seen_ == prepared.junk_before_);
}

void LogReader::take(PreparedBlock& prepared, EventSink& sink) {
  auto event = prepared.events_.begin();
  auto arrival = prepared.arrivals_.begin();
  auto completed = prepared.completed_.begin();
  for (const auto item : prepared.items_) {
    switch (item) {
      case PreparedBlock::Item::event:
        event->number += line_;
        event->offset += offset_;
        sink.on_event(*event++);
        break;
      case PreparedBlock::Item::arrival:
        sink.on_arrival(arrival->message_id, arrival->stamp, arrival->arrival);
        ++arrival;
        break;
      case PreparedBlock::Item::completed:
        sink.on_completed(*completed++);
        break;
    }
  }
  counters_ += prepared.counters_;
  line_ += prepared.counters_.lines;
  offset_ += prepared.end_ - prepared.begin_;
  junk_seen_ = junk_seen_ || prepared.junk_after_;
  distrust_.state = prepared.distrust_after_;
  prepared.usable_ = false;
}

}  // namespace parsers
