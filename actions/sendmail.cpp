#include "actions/sendmail.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

std::string contents(int fd) {
  std::array<char, 400> buffer{};
  const auto got = ::pread(fd, buffer.data(), buffer.size(), 0);
  return got > 0 ? std::string(buffer.data(), static_cast<std::size_t>(got)) : std::string();
}

// The child with default signals, a fresh mask, `input` as stdin and `output` as stdout and stderr.
int spawn(const std::vector<std::string>& words, int input, int output, pid_t& child) {
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (const auto& word : words) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string language = "LANG=C";
  std::array<char*, 3> environment{path.data(), language.data(), nullptr};

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);  // what we were given ourselves, too
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  const int error =
      ::posix_spawn(&child, argv[0], &actions, &attributes, argv.data(), environment.data());
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
    ::kill(child, SIGKILL);
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return false;
  }
}

}  // namespace

std::string cleaned(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 400)) {
    out.push_back(static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f ? ' '
                                                                                               : c);
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

Result<Done> send_by_program(const std::vector<std::string>& argv,
                             const std::vector<std::string>& recipients, std::string_view message,
                             std::chrono::milliseconds deadline) {
  if (argv.empty() || !argv[0].starts_with('/'))
    return Error{Errc::malformed, 0, "the mailer has no absolute path"};
  // A file in memory can't block the way a pipe can, however much the child reads or writes.
  const Fd input(::memfd_create("message", MFD_CLOEXEC));
  const Fd output(::memfd_create("answer", MFD_CLOEXEC));
  if (input.get() < 0 || output.get() < 0 || !fill(input.get(), message)) {
    return system_error("a message for " + argv[0], errno);
  }
  auto words = argv;
  words.emplace_back("--");
  words.insert(words.end(), recipients.begin(), recipients.end());
  pid_t child = 0;
  if (const int error = spawn(words, input.get(), output.get(), child); error != 0) {
    return system_error("start " + argv[0], error);
  }
  int status = 0;
  if (!wait_for(child, deadline, status))
    return Error{Errc::timeout, 0, argv[0] + ": no end in time, killed"};
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return Done{};
  const auto how = WIFEXITED(status) ? "exit status " + std::to_string(WEXITSTATUS(status))
                                     : "killed by signal " + std::to_string(WTERMSIG(status));
  return Error{Errc::refused, 0, argv[0] + ": " + how + ": " + cleaned(contents(output.get()))};
}

}  // namespace actions
