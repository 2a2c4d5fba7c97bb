#include "agent/lists/list_writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_set>

#include "actions/exim/exim_access.h"
#include "agent/core/attribution.h"
#include "agent/core/list_lines.h"
#include "agent/lists/said_few.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kMaxRecent = 256;

}  // namespace

ListWriter::ListWriter(actions::Blocklist& file, ListFaults& faults, const User& exim, Say say)
    : file_(file), faults_(faults), exim_(exim), say_(std::move(say)) {}

bool ListWriter::put_off(PendingBlock block) {
  ++revision_;
  switch (pending_.add(std::move(block))) {
    case PendingBlocks::Fate::waits:
      break;
    case PendingBlocks::Fate::set_aside:
      ++unfit_;
      break;
    case PendingBlocks::Fate::dropped:
      if (dropped_++ == 0)
        say_(fmt::format("{}: too many blocks wait for this list; new ones are dropped and counted",
                         file_.path()));
      return false;
  }
  return true;
}

std::size_t ListWriter::drop_pending(const std::function<bool(const PendingBlock&)>& unwanted) {
  const auto dropped = pending_.erase_if(unwanted);
  if (dropped > 0) ++revision_;
  return dropped;
}

void ListWriter::end(const Counting::End& block) {
  if (pending_.holds(block.key)) {
    drop_pending([&](const PendingBlock& pending) {
      return folded(pending.identity) == block.key && ends_at(pending.data) == block.until;
    });
  }
  ended_.push_back(block);
}

std::optional<std::size_t> ListWriter::take_out(const std::vector<std::string>& keys) {
  const auto removed = file_.remove(keys);
  if (!removed) {
    faults_.cant_write(removed.error());
    return std::nullopt;
  }
  if (!keys.empty()) faults_.is_written();
  return removed.value();
}

std::optional<std::size_t> ListWriter::take_out_ended(const Entries& entries) {
  std::map<std::string, Instant> ends;
  for (const auto& block : ended_) ends[block.key] = block.until;
  std::vector<std::string> over;
  for (const auto& entry : entries) {
    const auto end = ends.find(folded(entry.key));
    if (end == ends.end()) continue;
    // Of another block, or by another hand, it stays.
    if (ends_at(entry.data) == end->second) over.push_back(entry.key);
    ends.erase(end);
  }
  const auto removed = take_out(over);
  if (!removed) return std::nullopt;
  SaidFew said(say_);
  for (const auto& key : over) {
    said(fmt::format("{}: {} is free again, its block has ended", file_.path(),
                     printable(folded(key))));
  }
  said.end(file_.path(), "are free again, their blocks have ended");
  ended_.clear();
  return removed;
}

bool ListWriter::change(const std::string& key, const std::string& data) {
  const auto changed = file_.change(key, data);
  if (!changed) {
    faults_.cant_write(changed.error());
    return false;
  }
  faults_.is_written();
  return true;
}

ListWriter::AppendedAll ListWriter::append_waiting() {
  std::unordered_set<std::string> ending;  // whose old line must go first
  for (const auto& block : ended_) ending.insert(block.key);
  std::vector<actions::Blocklist::Line> lines;
  std::vector<PendingBlock> blocks;
  for (const auto& block : pending_.waiting()) {
    if (ending.count(folded(block.identity)) > 0) continue;
    lines.push_back({block.identity, block.data});
    blocks.push_back(block);
  }
  AppendedAll result;
  if (lines.empty()) return result;
  const bool is_new = !file_.seen();
  auto added = file_.add(lines);
  if (added.error && added.error->code == actions::Errc::not_found) {
    const auto directory = std::filesystem::path(file_.path()).parent_path().string();
    const auto made = actions::make_directory(exim_, directory);
    if (made && made.value()) say_(fmt::format("created {}", printable(directory)));
    if (made) added = file_.add(lines);
  }
  std::unordered_set<std::string> done;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& line = added.lines[i];
    if (!line) continue;
    const bool new_line = line->change != actions::Change::already_so;
    if (new_line) remember(blocks[i], line->at_ns);
    result.lines.push_back({folded(blocks[i].identity), new_line});
    done.insert(blocks[i].identity);
  }
  if (!done.empty()) {
    unsynced_ = true;
    drop_pending([&](const PendingBlock& block) { return done.count(block.identity) > 0; });
    if (is_new) faults_.check_access();
  }
  result.whole = !added.error;
  if (added.error) {
    faults_.cant_write(*added.error);
  } else {
    faults_.is_written();
  }
  return result;
}

void ListWriter::remember(const PendingBlock& block, std::int64_t at_ns) {
  recent_.push_back({folded(block.identity), block, at_ns});
  if (recent_.size() > kMaxRecent) recent_.pop_front();
}

std::optional<PendingBlock> ListWriter::lost_in_a_race(
    const std::string& key, const std::optional<actions::FileStamp>& before) const {
  const auto now = file_.seen();
  if (!now || !before || now->inode == before->inode || now->born_ns == 0) return std::nullopt;
  // It may have been written, freed and written again: the newest counts.
  const auto recent = std::find_if(recent_.rbegin(), recent_.rend(),
                                   [&](const Recent& known) { return known.key == key; });
  if (recent == recent_.rend() || now->born_ns > recent->at_ns) return std::nullopt;
  return recent->block;
}

void ListWriter::forget(const std::function<bool(const std::string& key)>& is_freed) {
  drop_pending([&](const PendingBlock& block) { return is_freed(folded(block.identity)); });
  std::erase_if(recent_, [&](const Recent& recent) { return is_freed(recent.key); });
}

}  // namespace agent
