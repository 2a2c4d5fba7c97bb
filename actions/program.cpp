#include "actions/program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "actions/files.h"

namespace actions {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

bool fill(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

std::string contents(int fd, std::size_t limit) {
  struct stat info{};
  if (::fstat(fd, &info) != 0) return {};
  std::string text(std::min(static_cast<std::size_t>(info.st_size), limit), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const auto got = ::pread(fd, text.data() + have, text.size() - have, static_cast<off_t>(have));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (auto& word : words) out.push_back(word.data());
  out.push_back(nullptr);
  return out;
}

// The child in a process group of its own, with default signals and a fresh mask.
int spawn(std::vector<std::string> argv, std::vector<std::string> environment, int input,
          int output, int errors, pid_t& child) {
  environment.insert(environment.begin(), {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C"});
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // what we were given ourselves, too
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int error = ::posix_spawn(&child, argv[0].c_str(), &actions, &attributes,
                                  pointers(argv).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return error;
}

// True if it ended by itself in time.
bool wait_for(pid_t child, std::chrono::milliseconds deadline, int& status) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const auto end = std::chrono::steady_clock::now() + deadline;
  // Without pidfds (an old kernel, a strict container) it is asked for every few milliseconds.
  constexpr std::int64_t kAskAgain = 5;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    pollfd waiting{pidfd.get(), POLLIN, 0};
    const auto wait =
        std::clamp<std::int64_t>(left.count(), 0, pidfd.get() >= 0 ? INT_MAX : kAskAgain);
    ::poll(&waiting, 1, static_cast<int>(wait));
    const auto ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return true;
    if (ended == 0 && std::chrono::steady_clock::now() < end) continue;
    ::kill(-child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return false;
  }
}

}  // namespace

std::string cleaned(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 400)) {
    const auto byte = static_cast<unsigned char>(c);
    out.push_back(byte < ' ' || byte >= 0x7f ? ' ' : c);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

Result<Ended> run_program(const std::vector<std::string>& argv, std::string_view input,
                          const ProgramOptions& options) {
  if (argv.empty() || !argv[0].starts_with('/'))
    return Error{Errc::malformed, 0, "a program without an absolute path"};
  // Files in memory can't block the way pipes can, however much the child reads or writes.
  const Fd in(::memfd_create("input", MFD_CLOEXEC));
  const Fd out(::memfd_create("output", MFD_CLOEXEC));
  const Fd err(::memfd_create("errors", MFD_CLOEXEC));
  if (in.get() < 0 || out.get() < 0 || err.get() < 0 || !fill(in.get(), input))
    return system_error("memory for " + argv[0], errno);
  pid_t child = 0;
  const int error = spawn(argv, options.environment, in.get(), out.get(), err.get(), child);
  if (error != 0) return system_error("start " + argv[0], error);
  int status = 0;
  if (!wait_for(child, options.deadline, status))
    return Error{Errc::timeout, 0, argv[0] + ": no end in time, killed"};
  Ended ended;
  ended.exit_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  ended.output = contents(out.get(), options.limit);
  ended.errors = contents(err.get(), options.errors_limit);
  return ended;
}

}  // namespace actions
