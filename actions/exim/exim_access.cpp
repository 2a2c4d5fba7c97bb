#include "actions/exim/exim_access.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "actions/files.h"

namespace actions {
namespace {

// Which of owner's, group's or others' bits apply, shifted to the lowest three.
unsigned rights(const EximUser& user, const struct stat& info) {
  if (info.st_uid == user.uid) return info.st_mode >> 6 & 7;
  const bool member =
      std::find(user.groups.begin(), user.groups.end(), info.st_gid) != user.groups.end();
  return member ? info.st_mode >> 3 & 7 : info.st_mode & 7;
}

Error in_the_way(const std::string& what, const std::string& why) {
  return {Errc::denied, 0, what + ": Exim's user " + why};
}

}  // namespace

std::optional<EximUser> find_exim_user(const std::string& name) {
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr) {
    return std::nullopt;
  }
  EximUser user;
  user.uid = entry.pw_uid;
  int count = 64;
  user.groups.resize(static_cast<std::size_t>(count));
  while (::getgrouplist(name.c_str(), entry.pw_gid, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<std::size_t>(count));
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

Creation creation_of_list(const std::optional<EximUser>& user) {
  if (!user || user->groups.empty()) return {0644, std::nullopt, 0644};
  return {0640, user->groups.front(), 0644};
}

Result<Done> readable_by(const EximUser& user, const std::string& path) {
  if (user.uid == 0) return Done{};
  std::filesystem::path directory;
  for (const auto& part : std::filesystem::path(path).parent_path()) {
    directory /= part;
    struct stat info{};
    if (::stat(directory.c_str(), &info) != 0) {
      if (errno == ENOENT) return Done{};
      return system_error("look at " + directory.string(), errno);
    }
    if ((rights(user, info) & 1) == 0)
      return in_the_way(directory.string(), "may not search this directory");
  }
  struct stat info{};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return Done{};
    return system_error("look at " + path, errno);
  }
  if (!S_ISREG(info.st_mode)) return Error{Errc::unsafe, 0, path + ": not a regular file"};
  if ((rights(user, info) & 4) == 0) return in_the_way(path, "may not read this file");
  return Done{};
}

Result<Done> make_readable(const EximUser& user, const std::string& path) {
  auto before = readable_by(user, path);
  if (before || before.error().code != Errc::denied) return before;
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? before : system_error("open " + path, errno);
  struct stat info{};
  int error = 0;
  // Only what the file itself lacks: a change for nothing would wake whoever watches the file.
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && (rights(user, info) & 4) == 0) {
    const bool grouped =
        !user.groups.empty() && ::fchown(fd, static_cast<uid_t>(-1), user.groups.front()) == 0;
    if (::fchmod(fd, (info.st_mode & 07777) | (grouped ? 0040 : 0044)) != 0) error = errno;
  }
  ::close(fd);
  if (error != 0) return system_error("change the mode of " + path, error);
  return readable_by(user, path);
}

Result<bool> make_directory(const std::optional<EximUser>& user, const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) == 0) {
    if (S_ISDIR(info.st_mode)) return false;
    return Error{Errc::unsafe, 0, path + ": not a directory"};
  }
  std::error_code error;
  const std::filesystem::path full(path);
  std::filesystem::path partial;
  for (const auto& part : full) {
    partial /= part;
    // What leads to a list may be passed through by everybody, but not looked into.
    if (std::filesystem::create_directory(partial, error)) {
      ::chmod(partial.c_str(), 0711);
      // Made by root at a terminal, it is still the service's.
      if (struct stat above{};
          ::geteuid() == 0 && ::stat(partial.parent_path().c_str(), &above) == 0)
        (void)!::chown(partial.c_str(), above.st_uid, static_cast<gid_t>(-1));
    }
    if (error) return system_error("make " + partial.string(), error.value());
  }
  if (!user) return true;
  const bool grouped = !user->groups.empty() &&
                       ::chown(path.c_str(), static_cast<uid_t>(-1), user->groups.front()) == 0;
  if (::chmod(path.c_str(), grouped ? 02750 : 0755) != 0)
    return system_error("change the mode of " + path, errno);
  return true;
}

}  // namespace actions
