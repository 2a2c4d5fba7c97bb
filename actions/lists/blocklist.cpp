#include "actions/lists/blocklist.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <span>
#include <utility>

namespace actions {
namespace {

// 64 MiB holds over a million lines; a list beyond that is not one.
constexpr std::size_t kMaxList = std::size_t{64} << 20;
// The lock, in milliseconds: who rewrites the file must have it, who appends can do without.
constexpr int kRewriteWaits = 250;
constexpr int kAppendWaits = 20;
constexpr int kTries = 5;
constexpr std::string_view kBlanks = " \t\n\v\f\r";
constexpr std::size_t kTail = 256;  // bytes by which the end of a file is known again

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

// The last line lacks its end, and this would be the rest of it.
bool goes_on(std::string_view content, std::string_view line) {
  const auto last = content.substr(content.rfind('\n') + 1);  // npos + 1 == 0
  return !last.empty() && line.starts_with(last);
}

std::string last_of(std::string_view bytes) {
  return std::string(bytes.substr(bytes.size() - std::min(bytes.size(), kTail)));
}

// FNV-1a: of bytes that go on where `so_far` ended.
constexpr std::uint64_t kNoBytes = 0xcbf29ce484222325;
std::uint64_t digest_of(std::string_view bytes, std::uint64_t so_far = kNoBytes) {
  for (const char c : bytes) so_far = (so_far ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  return so_far;
}

std::uint64_t digest(std::string_view key) {
  return std::hash<std::string>()(folded_key(key));
}

// Of an entry's lines those that are not part of it: comments and blank lines before a
// continuation.
std::string foreign_lines(std::string_view lines) {
  std::string foreign;
  for (bool first = true; !lines.empty(); first = false) {
    const auto line = lines.substr(0, std::min(lines.find('\n'), lines.size() - 1) + 1);
    const bool blank = line.find_first_not_of(kBlanks) == std::string_view::npos;
    if (!first && (blank || line[0] == '#')) foreign += line;
    lines.remove_prefix(line.size());
  }
  return foreign;
}

}  // namespace

std::string Blocklist::directory() const {
  return std::filesystem::path(path_).parent_path().string();
}

Result<Content> Blocklist::whole_content(bool& exists) {
  auto content = files_.read(path_, kMaxList);
  exists = static_cast<bool>(content) || content.error().code != Errc::not_found;
  if (!content && !exists) return Content{};
  return content;
}

Blocklist::View Blocklist::know(const std::string& bytes, const std::optional<FileStamp>& stamp) {
  View view{read_list(bytes), stamp, ends_whole(bytes)};
  Known known;
  known.stamp = stamp;
  known.whole = view.whole;
  known.hides = hides_lines(bytes);
  known.size = bytes.size();
  known.tail = last_of(bytes);
  known.digest = digest_of(bytes);
  known.keys.reserve(view.entries.size());
  for (const auto& entry : view.entries) known.keys.insert(digest(entry.key));
  known_ = std::move(known);
  return view;
}

Result<Blocklist::View> Blocklist::read() {
  bool exists = false;
  const auto content = whole_content(exists);
  if (!content) return content.error();
  unseen_ = {};
  return know(content->bytes, exists ? std::optional(content->stamp) : std::nullopt);
}

Result<std::optional<FileStamp>> Blocklist::stamp() const {
  const auto stamp = files_.stamp(path_);
  if (stamp) return std::optional(stamp.value());
  if (stamp.error().code == Errc::not_found) return std::optional<FileStamp>();
  return stamp.error();
}

// Only what follows the bytes that are known, if those before it are still the same.
Result<bool> Blocklist::take_appended(const FileStamp& now) {
  auto& known = *known_;
  if (!known.plain() || !known.stamp || known.stamp->inode != now.inode ||
      known.stamp->device != now.device || now.size <= known.size) {
    return false;
  }
  const auto content = files_.read_from(path_, known.size - known.tail.size(), kMaxList);
  if (!content) return content.error();
  std::string_view bytes = content->bytes;
  if (content->stamp.inode != now.inode || !bytes.starts_with(known.tail)) return false;
  bytes.remove_prefix(known.tail.size());
  // A line that goes on the one before belongs to its entry.
  if (bytes.empty() || hides_lines(bytes) || kBlanks.find(bytes.front()) != std::string_view::npos)
    return false;
  auto entries = read_list(bytes);
  for (const auto& entry : entries) known.keys.insert(digest(entry.key));
  known.stamp = content->stamp;
  known.whole = ends_whole(bytes);
  known.size += bytes.size();
  known.digest = digest_of(bytes, known.digest);
  known.tail = last_of(known.tail.append(bytes));
  if (unseen_.what == News::What::none) unseen_.what = News::What::appended;
  unseen_.view.stamp = known.stamp;
  unseen_.view.whole = known.whole;
  auto& all = unseen_.view.entries;
  all.insert(all.end(), std::make_move_iterator(entries.begin()),
             std::make_move_iterator(entries.end()));
  return true;
}

Result<Done> Blocklist::refresh() {
  const auto now = stamp();
  if (!now) return now.error();
  if (known_ && known_->stamp == now.value()) return Done{};
  if (known_ && now.value()) {
    const auto taken = take_appended(*now.value());
    if (!taken) return taken.error();
    if (taken.value()) return Done{};
  }
  bool exists = false;
  const auto content = whole_content(exists);
  if (!content) return content.error();
  unseen_ = {News::What::anew,
             know(content->bytes, exists ? std::optional(content->stamp) : std::nullopt)};
  return Done{};
}

Result<Blocklist::News> Blocklist::news() {
  if (const auto done = refresh(); !done) return done.error();
  return std::exchange(unseen_, {});
}

Result<Blocklist::News> Blocklist::verify() {
  bool exists = false;
  const auto content = whole_content(exists);
  if (!content) return content.error();
  const auto stamp = exists ? std::optional(content->stamp) : std::nullopt;
  const auto& bytes = content->bytes;
  if (known_ && known_->stamp.has_value() == exists && known_->size == bytes.size() &&
      known_->digest == digest_of(bytes)) {
    known_->stamp = stamp;
  } else {
    unseen_ = {News::What::anew, know(bytes, stamp)};
  }
  return std::exchange(unseen_, {});
}

Result<Blocklist::News> Blocklist::all() {
  auto view = read();
  if (!view) return view.error();
  return News{News::What::anew, std::move(view.value())};
}

void Blocklist::note_own(const FileStamp& after, std::string_view text,
                         const std::vector<Line>& lines, const std::vector<std::size_t>& which) {
  auto& known = *known_;
  known.stamp = after;
  known.whole = true;
  known.size = after.size;
  known.digest = digest_of(text, known.digest);
  known.tail = last_of(known.tail.append(text));
  for (const auto i : which) known.keys.insert(digest(lines[i].key));
}

// The lines of one add() that are still to be written.
class Blocklist::Adding {
 public:
  explicit Adding(const std::vector<Line>& lines) : lines_(lines), done_(lines.size()) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      texts_.push_back(list_line(lines[i].key, lines[i].data).value_or(""));
      left_.push_back(i);
    }
  }

  [[nodiscard]] bool may_be_among(const std::unordered_set<std::uint64_t>& keys) const {
    return std::any_of(left_.begin(), left_.end(),
                       [&](std::size_t i) { return keys.count(digest(lines_[i].key)) > 0; });
  }
  // What is to be written behind `bytes`, at most `most` lines of it; "" if all are there.
  std::string missing_in(std::string_view bytes, std::size_t most) {
    const auto entries = read_list(bytes);
    std::unordered_set<std::string> present;
    for (const auto& entry : entries) present.insert(folded_key(entry.key));
    const bool whole = ends_whole(bytes);
    const auto cut_off = whole || entries.empty() ? "" : folded_key(entries.back().key);
    // A cut-off line that holds the whole key works for Exim, but what is appended next would spoil
    // it. It is for its own key alone to end it: that has the rest of its data.
    std::erase_if(left_, [&](std::size_t i) {
      const auto key = folded_key(lines_[i].key);
      if (present.count(key) == 0 || (key == cut_off && !written(i))) return false;
      if (!written(i)) done_[i] = Added{Change::already_so, 0};
      return true;
    });
    const auto its_own = std::find_if(left_.begin(), left_.end(), [&](std::size_t i) {
      return !whole && (folded_key(lines_[i].key) == cut_off || goes_on(bytes, texts_[i]));
    });
    if (its_own != left_.end()) std::rotate(left_.begin(), its_own, its_own + 1);
    if (left_.empty()) return {};
    auto text = to_append(bytes, texts_[left_[0]]);
    // Another hand's line stays as it is; ours lacks the rest of its data.
    if (its_own != left_.end() && folded_key(lines_[left_[0]].key) == cut_off) {
      listed_before_ = left_[0];
      if (text.size() >= lines_[left_[0]].data.size() + 1) text = '\n';
    }
    return text + texts(1, most);
  }
  // The same behind a file in which none of them is, and whose last line is whole.
  [[nodiscard]] std::string all(std::size_t most) const { return texts(0, most); }

  // The first `count` were written.
  void wrote(std::size_t count, std::int64_t at_ns) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto change = listed_before_ == left_[i] ? Change::already_so : Change::made;
      done_[left_[i]] = Added{change, at_ns};
    }
  }
  // Somebody has written beside them, and these are all the lines that came since.
  void find_among(std::size_t count, std::span<const ListEntry> came) {
    std::unordered_set<std::string> keys;
    for (const auto& entry : came) keys.insert(folded_key(entry.key));
    const auto first = left_.begin();
    left_.erase(
        std::remove_if(first, first + static_cast<std::ptrdiff_t>(count),
                       [&](std::size_t i) { return keys.count(folded_key(lines_[i].key)) > 0; }),
        first + static_cast<std::ptrdiff_t>(count));
  }
  // And nobody has written beside them. Gives their numbers.
  std::vector<std::size_t> settle(std::size_t count) {
    const auto end = left_.begin() + static_cast<std::ptrdiff_t>(count);
    std::vector<std::size_t> settled(left_.begin(), end);
    left_.erase(left_.begin(), end);
    return settled;
  }
  [[nodiscard]] std::size_t left() const { return left_.size(); }
  // Of those that are left nobody knows whether they are there.
  AddedAll result(std::optional<Error> error) {
    for (const auto i : left_) done_[i].reset();
    return {std::move(done_), std::move(error)};
  }

 private:
  [[nodiscard]] bool written(std::size_t i) const { return done_[i].has_value(); }
  [[nodiscard]] std::string texts(std::size_t from, std::size_t most) const {
    std::string text;
    for (std::size_t i = from; i < std::min(most, left_.size()); ++i) text += texts_[left_[i]];
    return text;
  }

  const std::vector<Line>& lines_;
  std::vector<std::string> texts_;  // beside lines_
  std::vector<std::optional<Added>> done_;
  std::vector<std::size_t> left_;
  std::optional<std::size_t> listed_before_;
};

Blocklist::AddedAll Blocklist::add(const std::vector<Line>& lines) {
  Adding adding(lines);
  const auto lock = files_.lock(directory(), kAppendWaits);  // or without it: see the header
  auto most = lines.size();
  for (int attempt = 1; adding.left() > 0;) {
    if (attempt > kTries)
      return adding.result(Error{Errc::changed, 0, path_ + ": somebody else keeps changing it"});
    if (const auto done = refresh(); !done) return adding.result(done.error());
    std::string text;
    if (known_->plain() && !adding.may_be_among(known_->keys)) {
      text = adding.all(most);
    } else {
      bool exists = false;
      const auto content = whole_content(exists);
      if (!content) return adding.result(content.error());
      const auto stamp = exists ? std::optional(content->stamp) : std::nullopt;
      if (stamp != known_->stamp) {
        ++attempt;
        continue;
      }
      text = adding.missing_in(content->bytes, most);
      if (text.empty()) break;
    }
    const auto before = known_->stamp;
    const auto count = std::min(most, adding.left());
    const auto after = files_.append(path_, text, creation_);
    if (!after && after.error().code == Errc::full && count > 1) {
      most = count / 2;  // there may be room for some
      continue;
    }
    if (!after) return adding.result(after.error());
    adding.wrote(count, after->modified_ns);
    const bool alone =
        before ? after->inode == before->inode && after->size == before->size + text.size()
               : after->size == text.size();
    // If somebody else wrote too, or Exim may not see all of it: are our lines their own?
    if (alone && !known_->hides) {
      note_own(after.value(), text, lines, adding.settle(count));
    } else {
      const auto known = unseen_.view.entries.size();
      if (const auto done = refresh(); !done) return adding.result(done.error());
      // Of a long list only the end is looked at again.
      if (unseen_.what == News::What::appended && known_->plain())
        adding.find_among(count, std::span(unseen_.view.entries).subspan(known));
      ++attempt;
    }
  }
  return adding.result(std::nullopt);
}

Result<Blocklist::Added> Blocklist::add(std::string_view key, std::string_view data) {
  if (!list_line(key, data))
    return Error{Errc::malformed, 0, "no line of " + path_ + " can hold this key"};
  auto added = add(std::vector<Line>{{std::string(key), std::string(data)}});
  if (added.error) return *added.error;
  return *added.lines.front();
}

Result<std::size_t> Blocklist::rewrite(
    const std::function<std::optional<std::string>(const ListEntry&)>& edit) {
  if (const auto there = stamp(); there && !there.value()) return std::size_t{0};
  const auto lock = files_.lock(directory(), kRewriteWaits);
  if (!lock) return lock.error();
  for (int attempt = 1;; ++attempt) {
    bool exists = false;
    const auto content = whole_content(exists);
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
  std::unordered_set<std::string> gone;
  for (const auto& key : keys) gone.insert(folded_key(key));
  return rewrite([&](const ListEntry& entry) -> std::optional<std::string> {
    return gone.count(folded_key(entry.key)) > 0 ? std::optional(std::string()) : std::nullopt;
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
