#include "actions/new_directory.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "actions/files.h"
#include "actions/write_all.h"

namespace actions {

Result<NewDirectory> NewDirectory::make(const std::string& path) {
  if (::mkdir(path.c_str(), 0700) != 0) return system_error("make " + path, errno);
  Fd fd(::open(path.c_str(), O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC));
  if (!fd) return system_error("open " + path, errno);
  // Somebody who may write to its parent could have put another one in its place.
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0 || info.st_uid != ::geteuid() || (info.st_mode & 077U) != 0)
    return Error{Errc::unsafe, 0, path + ": not the directory that was made"};
  return NewDirectory(path, std::move(fd));
}

Result<Done> NewDirectory::write(const std::string& name, std::string_view bytes) {
  const auto full = path_ + "/" + name;
  if (name.empty() || name.front() == '.' || name.find('/') != std::string::npos)
    return Error{Errc::unsafe, 0, full + ": no name for a file"};
  const Fd file(::openat(fd_.get(), name.c_str(),
                         O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY | O_CLOEXEC, 0600));
  if (!file) return system_error("create " + full, errno);
  if (write_all(file.get(), bytes) == bytes.size() && ::fsync(file.get()) == 0) return Done{};
  const int error = errno;
  ::unlinkat(fd_.get(), name.c_str(), 0);
  return system_error("write " + full, error);
}

}  // namespace actions
