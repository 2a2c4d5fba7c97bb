// LogFile: one open log file, and so one inode: its bytes from any offset on, and what it is
// recognised by later. Rotations may be packed (gzip, xz, zstd, bzip2, told by content): offsets
// are always those of the plain text.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actions/fd.h"
#include "actions/result.h"
#include "agent/archive/log_input.h"

namespace agent {

// What a file is recognised by after a restart. Inodes are used again, first lines can be alike,
// and a file may have been copied or packed meanwhile: see also LogFile::tail_before.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  // SHA-256 in hex of the first line with its LF; empty: none was whole yet.
  std::string first_line;
  bool operator==(const FileIdentity&) const = default;
};

class LogFile {
 public:
  static actions::Result<LogFile> open(const std::string& path);

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] std::uint64_t device() const { return device_; }
  [[nodiscard]] std::uint64_t inode() const { return inode_; }
  [[nodiscard]] const std::string& path() const { return path_; }  // where it was found
  [[nodiscard]] bool packed() const { return packed_; }

  // Reads at `offset` into `buffer`; 0 at the end. In a packed file going back costs a new start.
  actions::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer);
  // Returns true if a read of it failed (not: if a packed file is damaged). Then it may not be what
  // it seems to be.
  [[nodiscard]] bool failed() const { return failed_; }
  // Returns its bytes of text; for a packed file, those unpacked so far; 0 if that can't be told.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::int64_t modified() const;  // seconds since 1970 UTC
  [[nodiscard]] bool unlinked() const;          // no name is left
  [[nodiscard]] bool remote() const;            // on a file system that sends no events

  // Returns the identity as of now. The first line is hashed once it is whole.
  FileIdentity identity();
  // Returns a digest of the (up to kTail) bytes before `offset`; empty if the file is shorter than
  // that.
  std::string tail_before(std::uint64_t offset);
  static constexpr std::size_t kTail = 512;
  [[nodiscard]] static std::string tail_digest(std::string_view bytes);
  // Returns true if the beginning is no longer what identity() saw: it was cut and written anew.
  [[nodiscard]] bool begins_otherwise();
  // Forgets what identity() saw, after a cut.
  void forget_identity();

 private:
  LogFile(actions::Fd fd, std::string path, std::uint64_t device, std::uint64_t inode)
      : fd_(std::move(fd)), path_(std::move(path)), device_(device), inode_(inode) {}
  actions::Result<std::size_t> unpack_at(std::uint64_t offset, std::span<char> buffer);

  actions::Fd fd_;
  std::string path_;
  std::uint64_t device_ = 0, inode_ = 0;
  std::string first_line_;
  std::string head_;  // the first bytes of it as they are

  bool packed_ = false;
  bool failed_ = false;
  std::unique_ptr<LogInput> input_;   // of a packed file
  std::span<const char> unpacked_{};  // unread rest of its last piece
  std::uint64_t unpacked_at_ = 0;     // where that begins
};

// Returns whether `path` names this inode; nullopt: there is no such file.
std::optional<bool> names_inode(const std::string& path, std::uint64_t device, std::uint64_t inode);

}  // namespace agent
