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

}  // namespace parsers
