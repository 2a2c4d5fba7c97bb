// Files as the lists and the checkpoint need them. A seam: tests put one in between that fails or
// stops at any operation. Paths are absolute; the last component is never followed if it is a link.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actions/result.h"

namespace actions {

// What a file was when it was looked at: equal means it was not replaced or written since, nor got
// another owner or mode. Times are nanoseconds since 1970 UTC; they move in ticks of milliseconds.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // of content, owner or mode; nobody can set it back
  std::int64_t born_ns = 0;     // 0: the file system does not tell
  bool operator==(const FileStamp&) const = default;
};

struct Content {
  std::string bytes;
  FileStamp stamp;
};

// For files that do not exist yet; an existing file's owner and mode are never changed.
struct Creation {
  mode_t mode = 0640;
  std::optional<gid_t> group;  // if it can't be set, `fallback_mode` is used
  mode_t fallback_mode = 0644;
};

// Held until destroyed.
struct Lock {
  virtual ~Lock() = default;
};

struct Files {
  virtual ~Files() = default;

  virtual Result<FileStamp> stamp(const std::string& path) = 0;
  // Regular files of at most `limit` bytes.
  virtual Result<Content> read(const std::string& path, std::size_t limit) = 0;
  // The same from the byte at `offset` on; the stamp is that of the whole file.
  virtual Result<Content> read_from(const std::string& path, std::uint64_t offset,
                                    std::size_t limit) = 0;
  // One write(2) in append mode; creates the file. What a full disk cut short is taken back, so
  // that half a line never stays. Gives the file's stamp after it.
  virtual Result<FileStamp> append(const std::string& path, std::string_view bytes,
                                   const Creation& creation) = 0;
  // The file's bytes and its directory's entry are on the disk after it.
  virtual Result<Done> sync(const std::string& path) = 0;
  // By a temporary file beside it, fsync, rename, fsync of the directory. Owner, group and mode of
  // an existing file are kept. With `expected`, only if the file still is what it was.
  virtual Result<FileStamp> replace(const std::string& path, std::string_view bytes,
                                    const Creation& creation,
                                    const std::optional<FileStamp>& expected) = 0;
  virtual Result<Done> rename(const std::string& from, const std::string& to) = 0;
  // The lock of a directory, among all programs of ours that work on the lists in it: a file of its
  // own in there (kLockName), which only the owner and root can open, so that nobody else can hold
  // it. Waits at most `milliseconds`.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& directory, int milliseconds) = 0;
};

struct PosixFiles : Files {
  Result<FileStamp> stamp(const std::string& path) override;
  Result<Content> read(const std::string& path, std::size_t limit) override;
  Result<Content> read_from(const std::string& path, std::uint64_t offset,
                            std::size_t limit) override;
  Result<FileStamp> append(const std::string& path, std::string_view bytes,
                           const Creation& creation) override;
  Result<Done> sync(const std::string& path) override;
  Result<FileStamp> replace(const std::string& path, std::string_view bytes,
                            const Creation& creation,
                            const std::optional<FileStamp>& expected) override;
  Result<Done> rename(const std::string& from, const std::string& to) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& directory, int milliseconds) override;
};

inline constexpr const char* kLockName = ".exiwarden.lock";

// Errors from errno, with what was being done.
[[nodiscard]] Error system_error(const std::string& what, int error);

}  // namespace actions
