#include "agent/follow.h"

#include <fmt/format.h>
#include <sys/inotify.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "agent/printable.h"

namespace agent {
namespace {

constexpr std::size_t kReadSize = 256 * 1024;

}  // namespace

std::string expand_log_name(const std::string& pattern, const Zone& zone, Instant now) {
  const auto date = zone.text(now);  // 2026-11-23T...
  const auto month = date.substr(0, 4) + date.substr(5, 2);
  std::string name;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '%' && i + 1 < pattern.size() &&
        (pattern[i + 1] == 'D' || pattern[i + 1] == 'M')) {
      name += pattern[++i] == 'D' ? month + date.substr(8, 2) : month;
    } else {
      name += pattern[i];
    }
  }
  return name;
}

Follower::Follower(std::string path, const Zone& zone, Pipeline& pipeline, Inotify* inotify,
                   Say say)
    : pattern_(std::move(path)),
      zone_(zone),
      pipeline_(pipeline),
      inotify_(inotify),
      say_(std::move(say)),
      buffer_(kReadSize),
      directory_(std::filesystem::path(pattern_).parent_path().string()) {}

std::string Follower::name_at(Instant now) const {
  return expand_log_name(pattern_, zone_, now);
}

void Follower::watch_directory() {
  if (inotify_ == nullptr || directory_watch_ >= 0) return;
  const auto watch = inotify_->watch_directory(directory_);
  if (watch) directory_watch_ = watch.value();
}

bool Follower::is_open(const LogFile& file) const {
  return std::any_of(files_.begin(), files_.end(), [&](const OpenFile& open) {
    return open.file.device() == file.device() && open.file.inode() == file.inode();
  });
}

Follower::OpenFile& Follower::adopt(LogFile file) {
  const auto log = pipeline_.add_log(file.path());
  int watch = -1;
  if (inotify_ != nullptr) {
    const auto result = inotify_->watch_open_file(file.fd());
    if (result) {
      watch = result.value();
    } else {
      say_(fmt::format("{}; looking at the log from time to time instead", result.error().what));
    }
  }
  // The repeated hour is told by the order of stamps, across rotations too.
  if (!files_.empty()) pipeline_.clock(log).restore(pipeline_.clock(files_.back().log).newest());
  files_.push_back({std::move(file), log, watch, std::nullopt});
  return files_.back();
}

// Plain files beside the log whose names begin as its name does, oldest first.
std::vector<LogFile> Follower::rotations(const std::string& current) const {
  namespace fs = std::filesystem;
  auto stem = fs::path(pattern_).filename().string();
  stem = stem.substr(0, stem.find('%'));
  std::vector<LogFile> found;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory_, error)) {
    const auto name = entry.path().filename().string();
    if (!name.starts_with(stem) || entry.path() == current) continue;
    const auto suffix = entry.path().extension().string();
    if (suffix == ".gz" || suffix == ".xz" || suffix == ".bz2" || suffix == ".zst") continue;
    auto file = LogFile::open(entry.path().string());
    if (file) found.push_back(std::move(file.value()));
  }
  std::sort(found.begin(), found.end(), [](const LogFile& a, const LogFile& b) {
    return std::pair(a.modified(), a.inode()) < std::pair(b.modified(), b.inode());
  });
  return found;
}

void Follower::resume(const std::vector<LogPosition>& saved, Instant since, Instant now) {
  watch_directory();
  const auto current = name_at(now);
  auto candidates = rotations(current);
  auto live = LogFile::open(current);
  if (live) candidates.push_back(std::move(live.value()));

  std::int64_t written_after = since.time_since_epoch().count();
  for (const auto& position : saved) {
    const auto match = std::find_if(candidates.begin(), candidates.end(), [&](LogFile& file) {
      return file.identity() == position.file && file.size() >= position.reader.offset;
    });
    if (match == candidates.end()) {
      say_(fmt::format(
          "{}: the file read last is gone (inode {}, offset {}); what it got after that is lost",
          printable(pattern_), position.file.inode, position.reader.offset));
      continue;
    }
    written_after = std::max(written_after, match->modified());
    auto& open = adopt(std::move(*match));
    candidates.erase(match);
    pipeline_.reader(open.log).restore(position.reader);
    pipeline_.clock(open.log).restore(position.newest_stamp);
  }
  for (auto& file : candidates) {
    const bool is_live = live && file.path() == current;
    if (is_live || file.modified() >= written_after) adopt(std::move(file));
  }
  if (!live) {
    fault_ = live.error().what;
    say_(fmt::format("{}; waiting for it", printable(fault_)));
  }
}

bool Follower::read_one(OpenFile& open, std::size_t& budget) {
  auto& reader = pipeline_.reader(open.log);
  while (budget > 0) {
    const auto offset = reader.offset() + reader.pending();
    const auto got =
        open.file.read_at(offset, std::span(buffer_).first(std::min(buffer_.size(), budget)));
    if (!got) {
      if (fault_ != got.error().what) say_(printable(got.error().what));
      fault_ = got.error().what;
      return false;
    }
    if (got.value() == 0) {
      if (open.file.size() < offset) {
        say_(fmt::format("{}: cut from {} to {} bytes; reading it from its start",
                         printable(open.file.path()), offset, open.file.size()));
        pipeline_.start_file(open.log, open.file.path());
        continue;
      }
      return false;
    }
    budget -= got.value();
    pipeline_.feed(open.log, std::span(buffer_).first(got.value()));
  }
  return true;
}

bool Follower::read(std::size_t budget, Steady now) {
  bool more = false;
  for (auto& open : files_) {
    if (budget == 0) return true;
    more = read_one(open, budget) || more;
  }
  retire(now);
  return more;
}

void Follower::retire(Steady now) {
  for (auto it = files_.begin(); it != files_.end();) {
    const auto& reader = pipeline_.reader(it->log);
    const bool finished = it->drain_until && now >= *it->drain_until &&
                          it->file.size() <= reader.offset() + reader.pending();
    if (!finished) {
      ++it;
      continue;
    }
    if (it->watch >= 0) inotify_->forget(it->watch);
    pipeline_.remove_log(it->log);
    it = files_.erase(it);
  }
}

void Follower::look(Instant now, Steady steady) {
  watch_directory();
  const auto current = name_at(now);
  if (!files_.empty()) {
    const auto same = names_inode(current, files_.back().file.device(), files_.back().file.inode());
    // No file at the name: renamed, and Exim has written nothing since. Its successor will come.
    if (same.value_or(true)) {
      if (same) fault_.clear();
      return;
    }
  }
  auto file = LogFile::open(current);
  if (!file) {
    if (file.error().code != actions::Errc::not_found && fault_ != file.error().what) {
      say_(printable(file.error().what) + "; trying again");
    }
    fault_ = file.error().what;
    return;
  }
  if (!fault_.empty()) say_(fmt::format("{}: reading", printable(current)));
  fault_.clear();
  if (is_open(file.value())) return;
  for (auto& open : files_) {
    if (!open.drain_until) open.drain_until = steady + kDrain;
  }
  adopt(std::move(file.value()));
}

bool Follower::on_change(const Inotify::Change& change, Instant now, Steady steady) {
  if (change.watch < 0) {  // overflow: something was lost
    look(now, steady);
    return true;
  }
  if (change.watch == directory_watch_) {
    if ((change.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_IGNORED)) != 0) directory_watch_ = -1;
    if ((change.mask & (IN_CREATE | IN_MOVED_TO)) == 0) return false;
    look(now, steady);
    return true;
  }
  return std::any_of(files_.begin(), files_.end(),
                     [&](const OpenFile& open) { return open.watch == change.watch; });
}

std::vector<LogPosition> Follower::positions() {
  std::vector<LogPosition> positions;
  for (auto& open : files_) {
    positions.push_back({pattern_, open.file.identity(), pipeline_.reader(open.log).state(),
                         pipeline_.clock(open.log).newest()});
  }
  return positions;
}

std::uint64_t Follower::lag() const {
  std::uint64_t bytes = 0;
  for (const auto& open : files_) {
    const auto done = pipeline_.reader(open.log).offset();
    const auto size = open.file.size();
    bytes += size > done ? size - done : 0;
  }
  return bytes;
}

}  // namespace agent
