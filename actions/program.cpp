#include "actions/program.h"

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
#include <optional>
#include <utility>

#include "actions/event_fd.h"
#include "actions/fd.h"
#include "actions/files.h"
#include "actions/write_all.h"

namespace actions {
namespace {

// What a child writes into a pipe, of which the beginning is kept. A pipe and no file: what is
// beyond the limit takes no memory. All of it is read, so that the child never waits for us.
class Heard {
 public:
  explicit Heard(std::size_t limit) : limit_(limit) {
    std::array<int, 2> ends{-1, -1};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return;
    read_.emplace(ends[0]);
    write_.emplace(ends[1]);
    ::fcntl(ends[0], F_SETFL, O_NONBLOCK);
  }
  [[nodiscard]] bool ok() const { return read_.has_value(); }
  [[nodiscard]] int child_end() const { return write_->get(); }
  void close_child_end() { write_.reset(); }
  // -1 once nothing more can come.
  [[nodiscard]] int fd() const { return read_ ? read_->get() : -1; }
  // What is there, at most so much that the caller is not held up.
  void take() {
    constexpr int kReads = 16;
    std::array<char, 65536> buffer{};
    for (int i = 0; i < kReads && read_; ++i) {
      const auto got = ::read(read_->get(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) return read_.reset();
      text_.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit_ - text_.size()));
    }
  }
  [[nodiscard]] std::string text() && { return std::move(text_); }

 private:
  std::size_t limit_;
  std::optional<Fd> read_, write_;
  std::string text_;
};

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

void kill_all(pid_t child) {
  int status = 0;
  ::kill(-child, SIGKILL);
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
}

// Its exit status, once it has ended by itself in time.
Result<int> wait_for(pid_t child, const std::string& name, const ProgramOptions& options,
                     Heard& output, Heard& errors) {
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
  const auto end = std::chrono::steady_clock::now() + options.deadline;
  const EventFd stopped;
  const std::stop_callback on_stop(options.stop, [&] { stopped.signal(); });
  // Without pidfds (an old kernel, a strict container) it is asked for every few milliseconds.
  constexpr std::int64_t kAskAgain = 5;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        end - std::chrono::steady_clock::now());
    std::array<pollfd, 4> waiting{{{pidfd.get(), POLLIN, 0},
                                   {output.fd(), POLLIN, 0},
                                   {errors.fd(), POLLIN, 0},
                                   {stopped.fd(), POLLIN, 0}}};
    const auto wait =
        std::clamp<std::int64_t>(left.count(), 0, pidfd.get() >= 0 ? INT_MAX : kAskAgain);
    ::poll(waiting.data(), waiting.size(), static_cast<int>(wait));
    int status = 0;
    const auto ended = ::waitpid(child, &status, WNOHANG);
    const int error = errno;
    output.take();
    errors.take();
    if (ended == child) return status;
    // Somebody ignores SIGCHLD: the system keeps no status for us, and says so only at the end.
    if (ended < 0 && error == ECHILD)
      return Error{Errc::io, error, name + ": has ended, but how is lost: SIGCHLD is ignored"};
    const bool stop = options.stop.stop_requested();
    if (ended == 0 && !stop && std::chrono::steady_clock::now() < end) continue;
    kill_all(child);
    return Error{Errc::timeout, 0,
                 name + (stop ? ": stopped before its end" : ": no end in time, killed")};
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
  // A file in memory can't block the way a pipe can, however little the child reads.
  const Fd in(::memfd_create("input", MFD_CLOEXEC));
  Heard out(options.limit), err(options.errors_limit);
  if (in.get() < 0 || !out.ok() || !err.ok() || write_all(in.get(), input) < input.size() ||
      ::lseek(in.get(), 0, SEEK_SET) != 0)
    return system_error("memory for " + argv[0], errno);
  pid_t child = 0;
  const int error =
      spawn(argv, options.environment, in.get(), out.child_end(), err.child_end(), child);
  out.close_child_end();
  err.close_child_end();
  if (error != 0) return system_error("start " + argv[0], error);
  const auto status = wait_for(child, argv[0], options, out, err);
  if (!status) return status.error();
  Ended ended;
  ended.exit_status =
      WIFEXITED(status.value()) ? WEXITSTATUS(status.value()) : 128 + WTERMSIG(status.value());
  ended.output = std::move(out).text();
  ended.errors = std::move(err).text();
  return ended;
}

}  // namespace actions
