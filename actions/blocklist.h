// One list: an lsearch file that Exim's ACL looks up, this program appends to, and admins edit.
// Every call can be repeated. Lines that are not ours stay byte for byte; the file is never
// truncated, and never written through a link.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/files.h"
#include "actions/lsearch.h"

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
  };
  [[nodiscard]] Result<View> read() const;

  // After it, Exim's lookup of `key` finds the list. One write(2) in append mode: a lookup with
  // cache=no_rd sees it at once, even in a session that has the file open. Not yet synced.
  Result<Change> add(std::string_view key, std::string_view data);
  // After it, none of `keys` is found. By rename. Gives how many lines went.
  Result<std::size_t> remove(const std::vector<std::string>& keys);
  Result<Done> sync() { return files_.sync(path_); }

  // What this object's last change left, so that its own writes are told from others'.
  [[nodiscard]] const std::optional<FileStamp>& written() const { return written_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  [[nodiscard]] std::string directory() const;

  Files& files_;
  std::string path_;
  Creation creation_;
  std::optional<FileStamp> written_;
};

}  // namespace actions
