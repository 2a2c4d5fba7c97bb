#include "actions/lists/blocklist.h"

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
// cut off: if it is the beginning of this very line, only the rest is missing. A NUL in the last
// line (a crash of the machine leaves such ends) hides the line after it: let that be a blank one.
std::string to_append(std::string_view content, const std::string& line) {
  if (content.empty()) return line;
  const bool whole = content.ends_with('\n');
  const auto before = whole ? content.substr(0, content.size() - 1) : content;
  const auto last = before.substr(before.rfind('\n') + 1);  // npos + 1 == 0
  if (last.find('\0') != std::string_view::npos) return (whole ? "\n" : "\n\n") + line;
  if (whole) return line;
  if (line.starts_with(last)) return line.substr(last.size());
  return "\n" + line;
}

bool ends_whole(std::string_view content) {
  return content.empty() || content.ends_with('\n');
}

// Exim does not see the line after a NUL.
bool hides_lines(std::string_view content) {
  return content.find('\0') != std::string_view::npos;
}

// Of an entry's lines those that are not part of it: comments and blank lines before a
// continuation.
std::string foreign_lines(std::string_view lines) {
  std::string foreign;
  for (bool first = true; !lines.empty(); first = false) {
    const auto line = lines.substr(0, std::min(lines.find('\n'), lines.size() - 1) + 1);
    const bool blank = line.find_first_not_of(" \t\n\v\f\r") == std::string_view::npos;
    if (!first && (blank || line[0] == '#')) foreign += line;
    lines.remove_prefix(line.size());
  }
  return foreign;
}

}  // namespace

std::string Blocklist::directory() const {
  return std::filesystem::path(path_).parent_path().string();
}

Result<Blocklist::View> Blocklist::read() {
  bool exists = false;
  const auto content = read_or_nothing(files_, path_, exists);
  if (!content) return content.error();
  View view;
  if (!exists) return view;
  const auto& bytes = content.value().bytes;
  view.entries = read_list(bytes);
  view.stamp = content.value().stamp;
  view.whole = ends_whole(bytes);
  if (view.whole && !hides_lines(bytes)) whole_ = view.stamp;
  return view;
}

Result<std::optional<FileStamp>> Blocklist::stamp() const {
  const auto stamp = files_.stamp(path_);
  if (stamp) return std::optional(stamp.value());
  if (stamp.error().code == Errc::not_found) return std::optional<FileStamp>();
  return stamp.error();
}

Result<Blocklist::Added> Blocklist::add(std::string_view key, std::string_view data,
                                        const std::optional<FileStamp>& known) {
  const auto line = list_line(key, data);
  if (!line) return Error{Errc::malformed, 0, "no line of " + path_ + " can hold this key"};
  const auto lock = files_.lock(directory(), kLockMilliseconds);
  if (!lock) return lock.error();

  Added added;
  if (known && known == whole_) {
    const auto now = files_.stamp(path_);
    if (now && now.value() == *known) {
      const auto after = files_.append(path_, *line, creation_);
      if (!after) return after.error();
      added.at_ns = after->modified_ns;
      const bool alone = after->inode == known->inode && after->size == known->size + line->size();
      if (alone) {
        added.undisturbed = whole_ = after.value();
        return added;
      }
      // Somebody wrote between the look and the write: see below what became of our line.
    }
  }
  for (int attempt = 1;; ++attempt) {
    bool exists = false;
    const auto content = read_or_nothing(files_, path_, exists);
    if (!content) return content.error();
    const std::string_view bytes = content.value().bytes;
    const auto entries = read_list(bytes);
    const bool listed = std::any_of(entries.begin(), entries.end(), [&](const ListEntry& entry) {
      return same_key(entry.key, key);
    });
    const bool ours = added.at_ns != 0;  // we wrote a moment ago
    // A cut-off line of another key is not for this call to end: its own has the rest of its data.
    const bool cut_off =
        !ends_whole(bytes) && !entries.empty() && same_key(entries.back().key, key);
    if (listed && (!cut_off || ours)) {
      if (!ours) added.change = Change::already_so;
      return added;
    }
    if (attempt > kTries) {
      return Error{Errc::changed, 0, path_ + ": somebody else keeps changing it"};
    }
    // A cut-off line that holds the whole key works for Exim, but what is appended next would spoil
    // it.
    if (listed) added.change = Change::already_so;
    auto missing = to_append(bytes, *line);
    // Another hand's line stays as it is; ours lacks the rest of its data.
    if (listed && missing.size() >= data.size() + 1) missing = '\n';
    const auto after = files_.append(path_, missing, creation_);
    if (!after) return after.error();
    added.at_ns = after->modified_ns;
    const auto& before = content.value().stamp;
    const bool alone =
        exists ? after->inode == before.inode && after->size == before.size + missing.size()
               : after->size == missing.size();
    // If somebody else wrote too: is our line one of its own?
    if (!alone || hides_lines(bytes)) continue;
    whole_ = after.value();
    if (known && exists && known == before) added.undisturbed = whole_;
    return added;
  }
}

Result<std::size_t> Blocklist::rewrite(
    const std::function<std::optional<std::string>(const ListEntry&)>& edit) {
  const auto lock = files_.lock(directory(), kLockMilliseconds);
  if (!lock) return lock.error();
  for (int attempt = 1;; ++attempt) {
    bool exists = false;
    const auto content = read_or_nothing(files_, path_, exists);
    if (!content) return content.error();
    const std::string& bytes = content.value().bytes;
    std::string text;
    std::size_t done = 0, edited = 0;
    for (const auto& entry : read_list(bytes)) {
      const auto lines = edit(entry);
      if (!lines) continue;
      text.append(bytes, done, entry.begin - done);
      text += *lines;
      text += foreign_lines(std::string_view(bytes).substr(entry.begin, entry.end - entry.begin));
      done = entry.end;
      ++edited;
    }
    if (edited == 0) return std::size_t{0};
    text.append(bytes, done);
    const auto stamp = files_.replace(path_, text, creation_, content.value().stamp);
    if (stamp) return edited;
    // An editor was faster: start again from what it left.
    if (stamp.error().code != Errc::changed || attempt >= kTries) return stamp.error();
  }
}

Result<std::size_t> Blocklist::remove(const std::vector<std::string>& keys) {
  return rewrite([&](const ListEntry& entry) -> std::optional<std::string> {
    const bool goes = std::any_of(keys.begin(), keys.end(),
                                  [&](const std::string& key) { return same_key(entry.key, key); });
    return goes ? std::optional(std::string()) : std::nullopt;
  });
}

Result<std::size_t> Blocklist::change(std::string_view key, std::string_view data) {
  if (!list_line(key, data))
    return Error{Errc::malformed, 0, "no line of " + path_ + " can hold this"};
  return rewrite([&](const ListEntry& entry) {
    return same_key(entry.key, key) ? list_line(entry.key, data) : std::nullopt;
  });
}

}  // namespace actions
