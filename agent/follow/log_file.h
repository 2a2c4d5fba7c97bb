// LogFile: one log file, open and so bound to its inode: its bytes from any offset on, and what it
// is recognised by again. Rotations may be packed (gzip, xz, zstd, bzip2, told by content): offsets
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
  // A read of it failed (not: a packed file that is damaged); what it seems to be it may not be.
  [[nodiscard]] bool failed() const { return failed_; }
  // Bytes of text; of a packed file those unpacked so far. 0 if it cannot be told.
  [[nodiscard]] std::uint64_t size() const;
  [[nodiscard]] std::int64_t modified() const;  // seconds since 1970 UTC
  [[nodiscard]] bool unlinked() const;          // no name is left
  [[nodiscard]] bool remote() const;            // on a file system that sends no events

  // Identity as of now. The first line is hashed once it is whole.
  FileIdentity identity();
  // A digest of the (up to kTail) bytes before `offset`; empty if the file is shorter than that.
  std::string tail_before(std::uint64_t offset);
  static constexpr std::size_t kTail = 512;
  [[nodiscard]] static std::string tail_digest(std::string_view bytes);
  // The beginning is no longer what identity() saw: cut and written anew.
  [[nodiscard]] bool begins_otherwise();
  // After a cut: what identity() said is over.
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

// Does `path` name the same inode as these two? nullopt: there is no such file.
std::optional<bool> names_inode(const std::string& path, std::uint64_t device, std::uint64_t inode);

}  // namespace agent
