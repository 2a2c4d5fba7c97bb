// A list: an lsearch file that Exim's ACL looks up, this program appends to, and admins edit.
// Every call can be repeated. Lines that are not ours stay byte for byte; the file is never
// truncated, and never written through a link.
//
// An object remembers the file as it last saw it (its stamp, its end, and digests of its keys), so
// that neither a new key nor what another program has appended costs reading all of it again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "actions/files.h"
#include "actions/lists/lsearch.h"

namespace actions {

enum class Change { made, already_so };

class Blocklist {
 public:
  // `creation`: the rights of the file if it does not exist yet.
  Blocklist(Files& files, std::string path, Creation creation)
      : files_(files), path_(std::move(path)), creation_(creation) {}

  struct View {
    std::vector<ListEntry> entries;
    std::optional<FileStamp> stamp;  // nullopt: there is no file, so nobody is listed
    bool whole = true;               // false: the last line has no newline and may be cut off
  };
  Result<View> read();
  // Returns what read() would give as View::stamp now, without reading.
  [[nodiscard]] Result<std::optional<FileStamp>> stamp() const;

  // What has happened to the file since read() or the last news().
  struct News {
    enum class What {
      none,      // nothing, but for lines that add() has appended
      appended,  // `view` holds the entries that were appended; their places are not in the file
      anew,      // `view` is as read() gives it
    };
    What what = What::none;
    View view;
  };
  Result<News> news();
  // Like news(), but compares all bytes of the file, not its stamp and its end: two edits within a
  // tick of the file system's clock may leave one stamp.
  Result<News> verify();
  // Like news(), as if nothing had been known.
  Result<News> all();
  // Returns true if news() would give `none` for a file of this stamp.
  [[nodiscard]] bool knows(const std::optional<FileStamp>& stamp) const {
    return known_ && unseen_.what == News::What::none && known_->stamp == stamp;
  }
  // Returns the stamp of the file as this object last saw it; nullopt also if it was not there.
  [[nodiscard]] std::optional<FileStamp> seen() const {
    return known_ ? known_->stamp : std::nullopt;
  }

  struct Line {
    std::string key, data;
  };
  struct Added {
    Change change = Change::made;
    std::int64_t at_ns = 0;  // when it was written, by the file system's clock; 0 if it was not
  };
  // One for each line: nullopt if it could not be added, because of `error`.
  struct AddedAll {
    std::vector<std::optional<Added>> lines;
    std::optional<Error> error;
  };
  // Appends the lines, so that Exim's lookup of each key finds it. One write(2) of whole lines in
  // append mode: a lookup with cache=no_rd sees them at once, even in a session that has the file
  // open. They are not synced yet. The keys must differ, and list_line() must accept each line. If
  // another program holds the lock, this works without it: a rewrite at the same moment may then
  // lose a line, which the next look finds.
  AddedAll add(const std::vector<Line>& lines);
  Result<Added> add(std::string_view key, std::string_view data);
  // Removes the lines of `keys`, by rename. Returns how many lines it removed.
  Result<std::size_t> remove(const std::vector<std::string>& keys);
  // Sets the data of the lines of `key`, by rename. Returns how many lines `key` has.
  Result<std::size_t> change(std::string_view key, std::string_view data);
  Result<Done> sync() const { return files_.sync(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  struct Known {
    std::optional<FileStamp> stamp;
    bool whole = true;         // ends in a newline, or is empty
    bool hides = false;        // has a NUL: Exim does not see the line after it
    std::uint64_t size = 0;    // bytes that were seen
    std::string tail;          // the last of them
    std::uint64_t digest = 0;  // of all of them
    [[nodiscard]] bool plain() const { return whole && !hides; }  // a line may follow
    std::unordered_set<std::uint64_t> keys;  // digests: a key that is not here is in no line
  };
  class Adding;

  [[nodiscard]] std::string directory() const;
  Result<Content> whole_content(bool& exists);
  View know(const std::string& bytes, const std::optional<FileStamp>& stamp);
  Result<Done> refresh();
  // Returns false if more has happened to the file than an append.
  Result<bool> take_appended(const FileStamp& now);
  void note_own(const FileStamp& after, std::string_view text, const std::vector<Line>& lines,
                const std::vector<std::size_t>& which);
  // Writes the file anew, with each entry as `edit` returns it (nullopt: unchanged) before the
  // comments in it. Returns how many entries were edited.
  Result<std::size_t> rewrite(
      const std::function<std::optional<std::string>(const ListEntry&)>& edit);

  Files& files_;
  std::string path_;
  Creation creation_;
  std::optional<Known> known_;  // nullopt: never read
  News unseen_;                 // what add() has found and news() has not returned yet
};

}  // namespace actions
