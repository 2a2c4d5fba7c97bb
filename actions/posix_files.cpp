#include "actions/posix_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <utility>

#include "actions/fd.h"
#include "actions/write_all.h"

namespace actions {
namespace {

std::int64_t nanoseconds(const statx_timestamp& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

// By descriptor, or by path if `fd` is AT_FDCWD; a link is not followed. False: see errno.
bool look_at(int fd, const char* path, FileStamp& stamp, mode_t& mode) {
  struct statx info{};
  if (::statx(fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME,
              &info) != 0) {
    return false;
  }
  stamp = {::makedev(info.stx_dev_major, info.stx_dev_minor),
           info.stx_ino,
           info.stx_size,
           nanoseconds(info.stx_mtime),
           nanoseconds(info.stx_ctime),
           (info.stx_mask & STATX_BTIME) != 0 ? nanoseconds(info.stx_btime) : 0};
  mode = info.stx_mode;
  return true;
}

// Whatever was to be done with it: of one trouble there is one text.
Error not_regular(const std::string& path, mode_t mode) {
  const char* kind = S_ISLNK(mode)    ? "a symbolic link, and links are not followed"
                     : S_ISDIR(mode)  ? "a directory, not a regular file"
                     : S_ISFIFO(mode) ? "a FIFO, not a regular file"
                     : S_ISSOCK(mode) ? "a socket, not a regular file"
                                      : "a device, not a regular file";
  return {Errc::unsafe, 0, path + " is " + kind};
}

// Why a path could not be opened.
Error open_error(const std::string& what, const std::string& path, int error) {
  auto failed = system_error(what, error);
  struct stat info{};
  if (failed.code == Errc::unsafe && ::lstat(path.c_str(), &info) == 0 && !S_ISREG(info.st_mode))
    return not_regular(path, info.st_mode);
  return failed;
}

Result<FileStamp> regular(int fd, const std::string& what, const std::string& path) {
  FileStamp stamp;
  mode_t mode = 0;
  if (!look_at(fd, "", stamp, mode)) return system_error(what, errno);
  if (!S_ISREG(mode)) return not_regular(path, mode);
  return stamp;
}

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

std::string temporary_beside(const std::string& path) {
  const std::filesystem::path full(path);
  return (full.parent_path() / ("." + full.filename().string() + ".exiwarden")).string();
}

Result<Done> sync_directory(const std::string& path) {
  const Fd fd(::open(directory_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return system_error("sync the directory of " + path, errno);
  return Done{};
}

// Owner, group and mode of a new file, before it has its content. A file that root makes by hand
// gets its directory's owner: the service must be able to write it, too.
void give(int fd, const std::string& path, const Creation& creation) {
  struct stat directory{};
  if (::geteuid() == 0 && ::stat(directory_of(path).c_str(), &directory) == 0)
    (void)!::fchown(fd, directory.st_uid, static_cast<gid_t>(-1));
  const bool grouped = creation.group && ::fchown(fd, static_cast<uid_t>(-1), *creation.group) == 0;
  ::fchmod(fd, grouped ? creation.mode : creation.fallback_mode);
}

class FileLock : public Lock {
 public:
  explicit FileLock(int fd) : fd_(fd) {}  // closing it gives the lock back

 private:
  Fd fd_;
};

}  // namespace

Error system_error(const std::string& what, int error) {
  Errc code = Errc::io;
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      code = Errc::not_found;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      code = Errc::denied;
      break;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      code = Errc::full;
      break;
    case ELOOP:
    case EISDIR:
    case ENXIO:
      code = Errc::unsafe;
      break;
    default:
      break;
  }
  return {code, error, what + ": " + std::strerror(error)};
}

Result<FileStamp> PosixFiles::stamp(const std::string& path) {
  FileStamp stamp;
  mode_t mode = 0;
  if (!look_at(AT_FDCWD, path.c_str(), stamp, mode)) return system_error("look at " + path, errno);
  if (!S_ISREG(mode)) return not_regular(path, mode);
  return stamp;
}

Result<Content> PosixFiles::read(const std::string& path, std::size_t limit) {
  return read_from(path, 0, limit);
}

Result<Content> PosixFiles::read_from(const std::string& path, std::uint64_t offset,
                                      std::size_t limit) {
  const auto what = "read " + path;
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) return open_error(what, path, errno);
  auto info = regular(fd.get(), what, path);
  if (!info) return info.error();
  const auto size = info->size - std::min(info->size, offset);
  if (size > limit) return system_error(what, EFBIG);

  Content content;
  content.bytes.resize(size + 1);  // one more shows growth
  std::size_t have = 0;
  for (;;) {
    if (have == content.bytes.size()) {
      if (have > limit) return system_error(what, EFBIG);
      content.bytes.resize(have * 2);
    }
    const auto got = ::pread(fd.get(), content.bytes.data() + have, content.bytes.size() - have,
                             static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(what, errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.bytes.resize(have);
  content.stamp = info.value();
  return content;
}

Result<FileStamp> PosixFiles::append(const std::string& path, std::string_view bytes,
                                     const Creation& creation) {
  const auto what = "append to " + path;
  constexpr int kFlags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  bool created = false;
  int raw = ::open(path.c_str(), kFlags);
  if (raw < 0 && errno == ENOENT) {
    raw = ::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0600);
    created = raw >= 0;
    if (raw < 0 && errno == EEXIST) raw = ::open(path.c_str(), kFlags);
  }
  const Fd fd(raw);
  if (!fd) return open_error(what, path, errno);
  if (created) give(fd.get(), path, creation);
  const auto before = regular(fd.get(), what, path);
  if (!before) return before.error();

  const auto done = write_all(fd.get(), bytes);
  const int error = errno;
  auto after = regular(fd.get(), what, path);
  if (!after || done == bytes.size()) return after;
  // Nobody else wrote in between: then what we wrote is the end, and can go again.
  if (done > 0 && after->size == before->size + done) {
    if (::ftruncate(fd.get(), static_cast<off_t>(before->size)) != 0)
      return system_error(what, errno);
  }
  return system_error(what, error);
}

Result<Done> PosixFiles::sync(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return system_error("sync " + path, errno);
  if (const auto file = regular(fd.get(), "sync " + path, path); !file) return file.error();
  if (::fsync(fd.get()) != 0) return system_error("sync " + path, errno);
  return sync_directory(path);
}

Result<FileStamp> PosixFiles::replace(const std::string& path, std::string_view bytes,
                                      const Creation& creation,
                                      const std::optional<FileStamp>& expected) {
  const auto what = "replace " + path;
  struct stat old{};
  const bool exists = ::lstat(path.c_str(), &old) == 0;
  if (!exists && errno != ENOENT) return system_error(what, errno);
  if (exists && !S_ISREG(old.st_mode)) return not_regular(path, old.st_mode);

  // One name, so that a crash leaves one file at most; the next call begins it anew. Who writes a
  // file is alone: lists are written under their directory's lock, the rest by the service.
  const auto temporary = temporary_beside(path);
  ::unlink(temporary.c_str());
  const Fd fd(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return system_error(what, errno);
  const auto fail = [&](int error) {
    ::unlink(temporary.c_str());
    return system_error(what, error);
  };
  if (exists) {
    // Owner first: changing it may clear mode bits. Without the right to give it away, the group is
    // what lets Exim read it.
    if ((old.st_uid != ::geteuid() || old.st_gid != ::getegid()) &&
        ::fchown(fd.get(), old.st_uid, old.st_gid) != 0 &&
        ::fchown(fd.get(), static_cast<uid_t>(-1), old.st_gid) != 0) {
      return fail(errno);
    }
    if (::fchmod(fd.get(), old.st_mode & 07777) != 0) return fail(errno);
  } else {
    give(fd.get(), path, creation);
  }
  if (write_all(fd.get(), bytes) != bytes.size()) return fail(errno);
  if (::fsync(fd.get()) != 0) return fail(errno);
  if (expected) {
    const auto now = stamp(path);
    if (!now || now.value() != *expected) {
      ::unlink(temporary.c_str());
      return Error{Errc::changed, 0, what + ": somebody else changed it meanwhile"};
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail(errno);
  // The rename itself moves changed_ns.
  auto written = regular(fd.get(), what, path);
  if (auto synced = sync_directory(path); !synced) return synced.error();
  return written;
}

Result<Done> PosixFiles::rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename " + from, errno);
  return sync_directory(to);
}

Result<std::unique_ptr<Lock>> PosixFiles::lock(const std::string& directory, int milliseconds) {
  const auto path = directory + "/" + kLockName;
  const auto what = "lock " + path;
  constexpr int kFlags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  bool created = false;
  int fd = ::open(path.c_str(), kFlags);
  if (fd < 0 && errno == ENOENT) {
    fd = ::open(path.c_str(), kFlags | O_CREAT | O_EXCL, 0600);
    created = fd >= 0;
    if (fd < 0 && errno == EEXIST) fd = ::open(path.c_str(), kFlags);
  }
  if (fd < 0) return open_error(what, path, errno);
  auto lock = std::make_unique<FileLock>(fd);
  if (created) give(fd, path, {0600, std::nullopt, 0600});
  for (int waited = 0; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++waited) {
    if (errno != EWOULDBLOCK && errno != EINTR) return system_error(what, errno);
    if (waited >= milliseconds) return Error{Errc::timeout, 0, what + ": somebody else holds it"};
    // Holders keep it for one small write; flock has no time-out of its own.
    const timespec millisecond{0, 1'000'000};
    ::nanosleep(&millisecond, nullptr);
  }
  return std::unique_ptr<Lock>(std::move(lock));
}

}  // namespace actions
