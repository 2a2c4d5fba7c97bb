#include "actions/blocklist.h"

#include <algorithm>
#include <filesystem>

namespace actions {
namespace {

// 64 MiB holds over a million lines; a list beyond that is not one.
constexpr std::size_t kMaxList = std::size_t{64} << 20;
constexpr int kLockMilliseconds = 250;
constexpr int kTries = 5;

Result<Content> read_or_nothing(Files& files, const std::string& path, bool& exists) {
  auto content = files.read(path, kMaxList);
  exists = static_cast<bool>(content) || content.error().code != Errc::not_found;
  if (!content && !exists) return Content{};
  return content;
}

// What must be written so that `line` stands on a line of its own. A last line without newline was
// cut off: if it is the beginning of this very line, only the rest is missing.
std::string to_append(std::string_view content, const std::string& line) {
  if (content.empty() || content.ends_with('\n')) return line;
  const auto tail = content.substr(content.rfind('\n') + 1);  // npos + 1 == 0
  if (line.starts_with(tail)) return line.substr(tail.size());
  return "\n" + line;
}

}  // namespace

std::string Blocklist::directory() const {
  return std::filesystem::path(path_).parent_path().string();
}

Result<Blocklist::View> Blocklist::read() const {
  bool exists = false;
  const auto content = read_or_nothing(files_, path_, exists);
  if (!content) return content.error();
  View view;
  if (!exists) return view;
  view.entries = read_list(content.value().bytes);
  view.stamp = content.value().stamp;
  return view;
}

Result<Change> Blocklist::add(std::string_view key, std::string_view data) {
  const auto line = list_line(key, data);
  if (!line) return Error{Errc::malformed, 0, "no line of " + path_ + " can hold this key"};
  const auto lock = files_.lock(directory(), kLockMilliseconds);
  if (!lock) return lock.error();
  bool exists = false;
  const auto content = read_or_nothing(files_, path_, exists);
  if (!content) return content.error();

  const std::string_view bytes = content.value().bytes;
  const auto missing = to_append(bytes, *line);
  const auto entries = read_list(bytes);
  const bool listed = std::any_of(entries.begin(), entries.end(),
                                  [&](const ListEntry& entry) { return same_key(entry.key, key); });
  // A cut-off line that holds the whole key works for Exim, but what is appended next would spoil
  // it.
  if (listed && (bytes.empty() || bytes.ends_with('\n'))) return Change::already_so;
  const auto stamp = files_.append(path_, listed ? std::string("\n") : missing, creation_);
  if (!stamp) return stamp.error();
  written_ = stamp.value();
  return listed ? Change::already_so : Change::made;
}

Result<std::size_t> Blocklist::remove(const std::vector<std::string>& keys) {
  const auto lock = files_.lock(directory(), kLockMilliseconds);
  if (!lock) return lock.error();
  for (int attempt = 1;; ++attempt) {
    bool exists = false;
    const auto content = read_or_nothing(files_, path_, exists);
    if (!content) return content.error();
    const std::string& bytes = content.value().bytes;
    std::string kept;
    std::size_t done = 0, removed = 0;
    for (const auto& entry : read_list(bytes)) {
      const bool goes = std::any_of(keys.begin(), keys.end(), [&](const std::string& key) {
        return same_key(entry.key, key);
      });
      if (!goes) continue;
      kept.append(bytes, done, entry.begin - done);
      done = entry.end;
      ++removed;
    }
    if (removed == 0) return std::size_t{0};
    kept.append(bytes, done);
    const auto stamp = files_.replace(path_, kept, creation_, content.value().stamp);
    if (stamp) {
      written_ = stamp.value();
      return removed;
    }
    // An editor was faster: start again from what it left.
    if (stamp.error().code != Errc::changed || attempt >= kTries) return stamp.error();
  }
}

}  // namespace actions
