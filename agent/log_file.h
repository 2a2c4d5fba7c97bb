// One open log file, by inode: its bytes from an offset on, and what it is recognised by again.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "actions/result.h"

namespace agent {

// What a file is recognised by after a restart: all must agree, and it must be long enough. Inodes
// are used again, and first lines can be alike.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::string
      first_line;  // SHA-256 in hex of the first line with its LF; empty: none was whole yet
  bool operator==(const FileIdentity&) const = default;
};

class LogFile {
 public:
  static actions::Result<LogFile> open(const std::string& path);
  LogFile(LogFile&& other) noexcept;
  LogFile& operator=(LogFile&& other) noexcept;
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] std::uint64_t device() const { return device_; }
  [[nodiscard]] std::uint64_t inode() const { return inode_; }
  [[nodiscard]] const std::string& path() const { return path_; }  // where it was found

  // Reads at `offset` into `buffer`; 0 at the end.
  actions::Result<std::size_t> read_at(std::uint64_t offset, std::span<char> buffer) const;
  [[nodiscard]] std::uint64_t size() const;     // 0 if it cannot be told
  [[nodiscard]] std::int64_t modified() const;  // seconds since 1970 UTC
  // Identity as of now. The first line is hashed once it is whole.
  FileIdentity identity();

 private:
  LogFile(int fd, std::string path, std::uint64_t device, std::uint64_t inode)
      : fd_(fd), path_(std::move(path)), device_(device), inode_(inode) {}
  int fd_ = -1;
  std::string path_;
  std::uint64_t device_ = 0, inode_ = 0;
  std::string first_line_;
};

// Does `path` name the same inode as these two? nullopt: there is no such file.
std::optional<bool> names_inode(const std::string& path, std::uint64_t device, std::uint64_t inode);

}  // namespace agent
