#include "agent/follow/log_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/archive/unpack.h"
#include "agent/values/digest.h"
#include "parsers/fields/lines.h"

namespace agent {
namespace {

constexpr std::size_t kHead = 256;

// File systems whose files others write without our kernel hearing of it; not all are in
// linux/magic.h.
constexpr std::uint32_t kRemote[] = {
    NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xff534d42, 0xfe534d42,        0x65735546, V9FS_MAGIC,
    0x00c36400,      AFS_SUPER_MAGIC, 0x01161970, OCFS2_SUPER_MAGIC, 0x0bd00bd0, CODA_SUPER_MAGIC};

actions::Error system_error(const std::string& path, int error) {
  const auto code = error == ENOENT                     ? actions::Errc::not_found
                    : error == EACCES || error == EPERM ? actions::Errc::denied
                                                        : actions::Errc::io;
  return {code, error, path + ": " + std::strerror(error)};
}

}  // namespace

actions::Result<LogFile> LogFile::open(const std::string& path) {
  // A log may be a link (some sites keep it elsewhere); a fifo would block the open.
  actions::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!fd) return system_error(path, errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))
    return actions::Error{actions::Errc::unsafe, 0, path + ": not a regular file"};
  LogFile file(std::move(fd), path, info.st_dev, info.st_ino);
  std::array<char, 16> magic{};
  const auto got = ::pread(file.fd(), magic.data(), magic.size(), 0);
  if (got < 0) return system_error(path, errno);
  file.packed_ = got > 0 && packing_of({magic.data(), static_cast<std::size_t>(got)}).has_value();
  return file;
}

actions::Result<std::size_t> LogFile::read_at(std::uint64_t offset, std::span<char> buffer) {
  if (packed_) return unpack_at(offset, buffer);
  for (;;) {
    const auto got = ::pread(fd_.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno == EINTR) continue;
    failed_ = true;
    return system_error(path_, errno);
  }
}

actions::Result<std::size_t> LogFile::unpack_at(std::uint64_t offset, std::span<char> buffer) {
  if (!input_ || offset < unpacked_at_) {
    // By way of /proc it is this very inode, whatever its name is by now.
    auto input = LogInput::open(fmt::format("/proc/self/fd/{}", fd_.get()));
    if (!input) {
      failed_ = true;
      return actions::Error{input.error().code, input.error().os, path_ + ": unreadable"};
    }
    input_ = std::move(input.value());
    unpacked_ = {};
    unpacked_at_ = 0;
  }
  std::size_t done = 0;
  while (done < buffer.size()) {
    if (unpacked_.empty()) {
      const auto got = input_->read();
      if (!got) {
        failed_ = failed_ || got.error().os != 0;
        if (done > 0) break;
        return actions::Error{got.error().code, got.error().os,
                              path_ + ": the packed file ends early or is damaged"};
      }
      if (got.value().empty()) break;
      unpacked_ = got.value();
    }
    if (unpacked_at_ < offset) {
      const auto skip = std::min<std::uint64_t>(unpacked_.size(), offset - unpacked_at_);
      unpacked_ = unpacked_.subspan(skip);
      unpacked_at_ += skip;
      continue;
    }
    const auto take = std::min(unpacked_.size(), buffer.size() - done);
    std::memcpy(buffer.data() + done, unpacked_.data(), take);
    unpacked_ = unpacked_.subspan(take);
    unpacked_at_ += take;
    done += take;
    offset += take;
  }
  return done;
}

std::uint64_t LogFile::size() const {
  if (packed_) return unpacked_at_;
  struct stat info{};
  return ::fstat(fd_.get(), &info) == 0 ? static_cast<std::uint64_t>(info.st_size) : 0;
}

std::int64_t LogFile::modified() const {
  struct stat info{};
  return ::fstat(fd_.get(), &info) == 0 ? info.st_mtime : 0;
}

bool LogFile::unlinked() const {
  struct stat info{};
  return ::fstat(fd_.get(), &info) == 0 && info.st_nlink == 0;
}

bool LogFile::remote() const {
  struct statfs info{};
  if (::fstatfs(fd_.get(), &info) != 0) return false;
  const auto magic = static_cast<std::uint32_t>(info.f_type);
  return std::find(std::begin(kRemote), std::end(kRemote), magic) != std::end(kRemote);
}

FileIdentity LogFile::identity() {
  if (first_line_.empty()) {
    std::vector<char> head(parsers::kMaxLine);
    const auto got = read_at(0, head);
    if (got) {
      std::string_view text(head.data(), got.value());
      const auto newline = text.find('\n');
      if (newline != std::string_view::npos) text = text.substr(0, newline + 1);
      if (newline != std::string_view::npos || text.size() == head.size()) {
        first_line_ = sha256_hex(text);
        head_ = text.substr(0, kHead);
      }
    }
  }
  return {device_, inode_, first_line_};
}

std::string LogFile::tail_before(std::uint64_t offset) {
  std::array<char, kTail> buffer{};
  const auto want = std::min<std::uint64_t>(offset, kTail);
  std::uint64_t have = 0;
  while (have < want) {
    const auto got = read_at(offset - want + have, std::span(buffer).first(want).subspan(have));
    if (!got || got.value() == 0) return {};
    have += got.value();
  }
  return tail_digest({buffer.data(), want});
}

std::string LogFile::tail_digest(std::string_view bytes) {
  return sha256_hex(bytes).substr(0, 32);
}

bool LogFile::begins_otherwise() {
  if (packed_ || head_.empty()) return false;
  std::array<char, kHead> buffer{};
  const auto got = read_at(0, std::span(buffer).first(head_.size()));
  return got && std::string_view(buffer.data(), got.value()) != head_;
}

void LogFile::forget_identity() {
  first_line_.clear();
  head_.clear();
}

std::optional<bool> names_inode(const std::string& path, std::uint64_t device,
                                std::uint64_t inode) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return std::nullopt;
  return info.st_dev == device && info.st_ino == inode;
}

}  // namespace agent
