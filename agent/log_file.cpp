#include "agent/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/digest.h"
#include "parsers/lines.h"

namespace agent {
namespace {

actions::Error system_error(const std::string& path, int error) {
  const auto code = error == ENOENT                     ? actions::Errc::not_found
                    : error == EACCES || error == EPERM ? actions::Errc::denied
                                                        : actions::Errc::io;
  return {code, error, path + ": " + std::strerror(error)};
}

}  // namespace

actions::Result<LogFile> LogFile::open(const std::string& path) {
  // A log may be a link (some sites keep it elsewhere); a fifo would block the open.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (fd < 0) return system_error(path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    return actions::Error{actions::Errc::unsafe, 0, path + ": not a regular file"};
  }
  return LogFile(fd, path, info.st_dev, info.st_ino);
}

LogFile::LogFile(LogFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      device_(other.device_),
      inode_(other.inode_),
      first_line_(std::move(other.first_line_)) {}

LogFile& LogFile::operator=(LogFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  path_ = std::move(other.path_);
  device_ = other.device_;
  inode_ = other.inode_;
  first_line_ = std::move(other.first_line_);
  return *this;
}

LogFile::~LogFile() {
  if (fd_ >= 0) ::close(fd_);
}

actions::Result<std::size_t> LogFile::read_at(std::uint64_t offset, std::span<char> buffer) const {
  for (;;) {
    const auto got = ::pread(fd_, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) return system_error(path_, errno);
  }
}

std::uint64_t LogFile::size() const {
  struct stat info {};
  return ::fstat(fd_, &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::int64_t LogFile::modified() const {
  struct stat info {};
  return ::fstat(fd_, &info) == 0 ? info.st_mtime : 0;
}

FileIdentity LogFile::identity() {
  if (first_line_.empty()) {
    std::vector<char> head(parsers::kMaxLine);
    const auto got = read_at(0, head);
    if (got) {
      const std::string_view text(head.data(), got.value());
      const auto newline = text.find('\n');
      if (newline != std::string_view::npos) {
        first_line_ = sha256_hex(text.substr(0, newline + 1));
      } else if (text.size() == head.size()) {
        first_line_ = sha256_hex(text);
      }
    }
  }
  return {device_, inode_, first_line_};
}

std::optional<bool> names_inode(const std::string& path, std::uint64_t device,
                                std::uint64_t inode) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_dev == device && info.st_ino == inode;
}

}  // namespace agent
