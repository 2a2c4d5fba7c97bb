// One list: an lsearch file that Exim's ACL looks up, this program appends to, and admins edit.
// Every call can be repeated. Lines that are not ours stay byte for byte; the file is never
// truncated, and never written through a link.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/files.h"
#include "actions/lists/lsearch.h"

namespace actions {

enum class Change { made, already_so };

class Blocklist {
 public:
  // `creation`: for the file, should it not exist.
  Blocklist(Files& files, std::string path, Creation creation)
      : files_(files), path_(std::move(path)), creation_(creation) {}

  struct View {
    std::vector<ListEntry> entries;
    std::optional<FileStamp> stamp;  // nullopt: there is no file, so nobody is listed
    bool whole = true;               // false: the last line has no newline and may be cut off
  };
  Result<View> read();
  // What read() would give as View::stamp now, without reading.
  [[nodiscard]] Result<std::optional<FileStamp>> stamp() const;

  struct Added {
    Change change = Change::made;
    // Set if the file is what it was at `known` with our line at its end, and nothing else.
    std::optional<FileStamp> undisturbed;
    std::int64_t at_ns = 0;  // when it was written, by the file system's clock
  };
  // After it, Exim's lookup of `key` finds the list. One write(2) in append mode: a lookup with
  // cache=no_rd sees it at once, even in a session that has the file open. Not yet synced. `known`:
  // a stamp that read() or add() gave, of a file in which the caller knows that `key` is not; if
  // the file still is that one it need not be read again.
  Result<Added> add(std::string_view key, std::string_view data,
                    const std::optional<FileStamp>& known = std::nullopt);
  // After it, none of `keys` is found. By rename. Gives how many lines went.
  Result<std::size_t> remove(const std::vector<std::string>& keys);
  // The lines of `key` say `data` from now on. By rename. Gives how many it has.
  Result<std::size_t> change(std::string_view key, std::string_view data);
  Result<Done> sync() const { return files_.sync(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] std::string directory() const;
  // The file anew, with each entry as `edit` gives it (nullopt: as it is) before the comments in
  // it. Gives how many were edited.
  Result<std::size_t> rewrite(
      const std::function<std::optional<std::string>(const ListEntry&)>& edit);

  Files& files_;
  std::string path_;
  Creation creation_;
  std::optional<FileStamp> whole_;  // the file when its last line was last seen to be whole
};

}  // namespace actions
