#include "tests/durability/faults.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <map>

namespace faults {
namespace {

Plan plan;
bool armed = false;
std::uint64_t all = 0, changing = 0;

// Files with appended bytes that no fsync has covered, by inode: where those begin.
struct Unsynced {
  std::string path;
  off_t from = 0;
};
std::map<ino_t, Unsynced>& unsynced() {
  static std::map<ino_t, Unsynced> files;
  return files;
}

[[noreturn]] void die() {
  if (plan.mode == Mode::power_cut) {
    for (const auto& [inode, file] : unsynced()) (void)!::truncate(file.path.c_str(), file.from);
  }
  ::_exit(kDied);
}

bool kills() {
  return plan.mode != Mode::none && plan.mode != Mode::fail;
}

}  // namespace

void arm(const Plan& next) {
  plan = next;
  all = changing = 0;
  unsynced().clear();
  armed = true;
}
void disarm() {
  armed = false;
}
std::uint64_t calls() {
  return all;
}
std::uint64_t changes() {
  return changing;
}

bool failing() {
  return armed && plan.mode == Mode::fail && all >= plan.at && all + 1 < plan.at + plan.length;
}
void recover() {
  plan.mode = Mode::none;
}

// What is to become of the call that begins now.
enum class Fate { live, fail, torn, die_after };
static Fate fate(bool changes_something) {
  if (!armed) return Fate::live;
  ++all;
  if (changes_something) ++changing;
  if (plan.mode == Mode::fail)
    return all >= plan.at && all < plan.at + plan.length ? Fate::fail : Fate::live;
  if (!kills() || !changes_something || changing != plan.at) return Fate::live;
  if (plan.mode == Mode::kill_torn) return Fate::torn;
  if (plan.mode == Mode::kill_after) return Fate::die_after;
  die();
}

void point() {
  if (fate(true) != Fate::live && kills()) die();
}

static void note_write(int fd) {
  struct stat info{};
  if (!armed || ::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) return;
  std::array<char, 512> path{};
  const auto link = "/proc/self/fd/" + std::to_string(fd);
  if (::readlink(link.c_str(), path.data(), path.size() - 1) <= 0) return;
  unsynced().try_emplace(info.st_ino, Unsynced{path.data(), info.st_size});
}
static void note_sync(int fd) {
  struct stat info{};
  if (armed && ::fstat(fd, &info) == 0) unsynced().erase(info.st_ino);
}

}  // namespace faults

using faults::fate;
using faults::Fate;

#define GUARD(changes_something, error)       \
  const auto fated = fate(changes_something); \
  if (fated == Fate::fail) {                  \
    errno = (error);                          \
    return -1;                                \
  }
#define FINISH(result)                                                         \
  const auto finished = (result);                                              \
  if (fated == Fate::die_after || fated == Fate::torn) ::_exit(faults::kDied); \
  return finished

extern "C" {
int __real_open(const char* path, int flags, mode_t mode);
ssize_t __real_read(int fd, void* buffer, size_t size);
ssize_t __real_write(int fd, const void* buffer, size_t size);
ssize_t __real_pread(int fd, void* buffer, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_rename(const char* from, const char* to);
int __real_unlink(const char* path);
int __real_ftruncate(int fd, off_t size);
int __real_fchmod(int fd, mode_t mode);
int __real_flock(int fd, int how);
int __real_statx(int directory, const char* path, int flags, unsigned mask, struct statx* info);

int __wrap_open(const char* path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const auto mode = (flags & O_CREAT) != 0 ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  GUARD((flags & O_CREAT) != 0, EACCES)
  FINISH(__real_open(path, flags, mode));
}
ssize_t __wrap_read(int fd, void* buffer, size_t size) {
  GUARD(false, EIO)
  FINISH(__real_read(fd, buffer, size));
}
ssize_t __wrap_pread(int fd, void* buffer, size_t size, off_t offset) {
  GUARD(false, EIO)
  FINISH(__real_pread(fd, buffer, size, offset));
}
ssize_t __wrap_write(int fd, const void* buffer, size_t size) {
  GUARD(true, ENOSPC)
  faults::note_write(fd);
  FINISH(__real_write(fd, buffer, fated == Fate::torn ? size / 2 : size));
}
int __wrap_fsync(int fd) {
  GUARD(true, EIO)
  faults::note_sync(fd);
  FINISH(__real_fsync(fd));
}
int __wrap_rename(const char* from, const char* to) {
  GUARD(true, EROFS)
  FINISH(__real_rename(from, to));
}
int __wrap_unlink(const char* path) {
  GUARD(true, EROFS)
  FINISH(__real_unlink(path));
}
int __wrap_ftruncate(int fd, off_t size) {
  GUARD(true, EIO)
  FINISH(__real_ftruncate(fd, size));
}
int __wrap_fchmod(int fd, mode_t mode) {
  GUARD(true, EPERM)
  FINISH(__real_fchmod(fd, mode));
}
int __wrap_flock(int fd, int how) {
  GUARD(false, EIO)
  FINISH(__real_flock(fd, how));
}
int __wrap_statx(int directory, const char* path, int flags, unsigned mask, struct statx* info) {
  GUARD(false, EACCES)
  FINISH(__real_statx(directory, path, flags, mask, info));
}
}
