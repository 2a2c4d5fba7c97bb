#include "agent/state/single_instance.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <utility>

#include "actions/exim/exim_access.h"
#include "actions/posix_files.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr int kTries = 20;
constexpr int kPauseMilliseconds = 50;
// Of one page, which the file has from the start.
constexpr std::size_t kRoom = 4096;
constexpr std::size_t kMaxFault = 500;
constexpr std::string_view kHead = "exiwarden faults\n", kEnd = "end\n";

std::string lock_path(const std::string& state_directory) {
  return state_directory + "/lock";
}

bool same_file(int fd, const std::string& path) {
  struct stat held{}, there{};
  return ::fstat(fd, &held) == 0 && ::lstat(path.c_str(), &there) == 0 &&
         held.st_ino == there.st_ino && held.st_dev == there.st_dev;
}

// One a line, as many as there is room for.
std::string text_of(const std::vector<std::string>& faults) {
  std::string text(kHead);
  for (const auto& fault : faults) {
    const auto line = printable(fault, kMaxFault) + "\n";
    if (text.size() + line.size() + kEnd.size() > kRoom) break;
    text += line;
  }
  text += kEnd;
  text.resize(kRoom, '\n');
  return text;
}

}  // namespace

actions::Result<SingleInstance> SingleInstance::claim(const std::string& state_directory) {
  const auto path = lock_path(state_directory);
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return actions::system_error("open " + path, errno);
  SingleInstance instance(fd, state_directory);
  // Whoever only asks whether it is held, holds it for a moment.
  for (int tries = 1; ::flock(fd, LOCK_EX | LOCK_NB) != 0; ++tries) {
    const int error = errno;
    if (error != EWOULDBLOCK && error != EINTR) return actions::system_error("lock " + path, error);
    if (tries >= kTries) {
      return actions::Error{actions::Errc::timeout, 0,
                            path + ": another service works on this directory"};
    }
    ::poll(nullptr, 0, kPauseMilliseconds);
  }
  instance.tell({});
  return instance;
}

std::optional<bool> SingleInstance::running(const std::string& state_directory) {
  const int fd =
      ::open(lock_path(state_directory).c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? std::optional(false) : std::nullopt;
  const bool held = ::flock(fd, LOCK_SH | LOCK_NB) != 0;
  const int error = errno;
  ::close(fd);
  if (held && error != EWOULDBLOCK) return std::nullopt;
  return held;
}

std::optional<std::vector<std::string>> SingleInstance::faults(const std::string& state_directory) {
  actions::PosixFiles files;
  const auto content = files.read(lock_path(state_directory), kRoom);
  if (!content) return std::nullopt;
  std::string_view text = content->bytes;
  if (!text.starts_with(kHead)) return std::nullopt;
  text.remove_prefix(kHead.size());
  std::vector<std::string> faults;
  while (!text.starts_with(kEnd)) {
    const auto line = text.substr(0, text.find('\n'));
    if (line.size() == text.size()) return std::nullopt;
    faults.emplace_back(line);
    text.remove_prefix(line.size() + 1);
  }
  return faults;
}

void SingleInstance::tell(const std::vector<std::string>& faults) {
  auto text = text_of(faults);
  if (text == told_) return;
  if (::pwrite(fd_, text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()))
    told_ = std::move(text);
}

SingleInstance::Claim SingleInstance::renew() {
  if (same_file(fd_, lock_path(directory_))) return Claim::held;
  (void)actions::make_directory(std::nullopt, directory_);
  auto again = claim(directory_);
  if (!again) {
    return again.error().code == actions::Errc::timeout ? Claim::lost : Claim::held;
  }
  std::swap(fd_, again.value().fd_);
  told_.clear();
  return Claim::renewed;
}

SingleInstance::SingleInstance(SingleInstance&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      directory_(std::move(other.directory_)),
      told_(std::move(other.told_)) {}

SingleInstance::~SingleInstance() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace agent
