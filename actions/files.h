// Access to files, as the lists and the checkpoint need it. A seam: tests put in one that fails or
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

// The state of a file when it was looked at. Equal stamps mean that since then the file was not
// replaced or written, and got no other owner or mode. Times are nanoseconds since 1970 UTC; they
// move in ticks of milliseconds.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;  // change of content, owner or mode; no program can set it back
  std::int64_t born_ns = 0;     // 0 if the file system does not record it
  bool operator==(const FileStamp&) const = default;
};

struct Content {
  std::string bytes;
  FileStamp stamp;
};

// The mode and group of a new file; an existing file's owner and mode are never changed.
struct Creation {
  mode_t mode = 0640;
  std::optional<gid_t> group;  // if it can't be set, `fallback_mode` is used
  mode_t fallback_mode = 0644;
};

// A lock, held until it is destroyed.
struct Lock {
  virtual ~Lock() = default;
};

struct Files {
  virtual ~Files() = default;

  virtual Result<FileStamp> stamp(const std::string& path) = 0;
  // Reads a regular file of at most `limit` bytes.
  virtual Result<Content> read(const std::string& path, std::size_t limit) = 0;
  // Reads the same from the byte at `offset` on; the stamp is that of the whole file.
  virtual Result<Content> read_from(const std::string& path, std::uint64_t offset,
                                    std::size_t limit) = 0;
  // Appends by one write(2) in append mode; creates the file. If a full disk cuts it short, the
  // part is taken back, so that half a line never stays. Returns the file's stamp after it.
  virtual Result<FileStamp> append(const std::string& path, std::string_view bytes,
                                   const Creation& creation) = 0;
  // Brings the file's bytes and its directory's entry to the disk.
  virtual Result<Done> sync(const std::string& path) = 0;
  // Replaces the file by a temporary file beside it, fsync, rename, fsync of the directory. Owner,
  // group and mode of an existing file are kept. With `expected`, it does so only if the file still
  // has that stamp.
  virtual Result<FileStamp> replace(const std::string& path, std::string_view bytes,
                                    const Creation& creation,
                                    const std::optional<FileStamp>& expected) = 0;
  virtual Result<Done> rename(const std::string& from, const std::string& to) = 0;
  // Takes the lock of a directory, which all programs of ours share that work on the lists in it: a
  // separate file there (kLockName). Only its owner and root can open it, so that no other user can
  // hold it. Waits at most `milliseconds`.
  virtual Result<std::unique_ptr<Lock>> lock(const std::string& directory, int milliseconds) = 0;
};

inline constexpr const char* kLockName = ".exiwarden.lock";

// Makes an error from errno; `what` says what was being done.
[[nodiscard]] Error system_error(const std::string& what, int error);

}  // namespace actions
