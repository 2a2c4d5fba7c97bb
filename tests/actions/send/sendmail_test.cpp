#include "actions/send/sendmail.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actions/program.h"
#include "tests/catch.h"
#include "tests/fakes.h"

using actions::Errc;
using actions::send_by_program;
using namespace std::chrono_literals;

namespace {

std::string script(const fakes::Directory& directory, const std::string& body) {
  const auto path = directory / "mailer";
  fakes::write(path, "#!/bin/sh\n" + body, 0755);
  return path;
}

}  // namespace

TEST_CASE("the program gets its arguments, the recipients and the message, byte for byte") {
  const fakes::Directory directory;
  const auto mailer = script(directory,
                             "cd \"$(dirname \"$0\")\"\n"
                             "for word in \"$@\"; do printf '%s\\n' \"$word\"; done > argv\n"
                             "cat > stdin\n"
                             "env | sort > environment\n"
                             "ls /proc/self/fd > descriptors\n");
  ::setenv("EXIWARDEN_SECRET", "x", 1);
  const int leaked = ::open("/dev/null", O_RDONLY);  // not marked to be closed
  REQUIRE(leaked >= 0);
  std::string message = "Subject: x\n\n.\nFrom me\n$(id) `id` %s\n\x80\xff";
  message.push_back('\0');
  message += std::string(300000, 'y') + "\n";
  const auto sent = send_by_program({mailer, "-i", "-f", "<>", "two words", "$(id)", ""},
                                    {"a@example.org", "b@example.org"}, message, 60s);
  ::close(leaked);
  REQUIRE(sent);
  CHECK(fakes::content(directory / "argv") ==
        "-i\n-f\n<>\ntwo words\n$(id)\n\n--\na@example.org\nb@example.org\n");
  CHECK(fakes::content(directory / "stdin") == message);
  std::istringstream variables(fakes::content(directory / "environment"));
  for (std::string line; std::getline(variables, line);) {
    INFO(line);
    const auto name = line.substr(0, line.find('='));
    CHECK((name == "PATH" || name == "LANG" || name == "PWD" || name == "OLDPWD" || name == "_" ||
           name == "SHLVL"));
  }
  // 0, 1, 2 and the one that ls itself has open.
  CHECK(fakes::content(directory / "descriptors") == "0\n1\n2\n3\n");
}

TEST_CASE("a message that nobody reads does no harm") {
  const fakes::Directory directory;
  CHECK(send_by_program({script(directory, "exit 0\n")}, {"a@b.example"}, std::string(5000000, 'x'),
                        60s));
}

TEST_CASE("a refusal says how the program ended and what it printed, cleaned") {
  const fakes::Directory directory;
  struct Row {
    std::string body, how;
  };
  const Row rows[] = {
      {"exit 75\n", "exit status 75: "},
      {"echo 'no room' >&2; exit 1\n", "exit status 1: no room"},
      {"printf '\\033[31mred\\r\\n\\377\\177'; exit 2\n", "exit status 2:  [31mred"},
      {"head -c 100000 /dev/zero | tr '\\0' x; exit 3\n",
       "exit status 3: " + std::string(400, 'x')},
      {"kill -9 $$\n", "killed by signal 9: "},
  };
  for (const auto& row : rows) {
    const auto mailer = script(directory, row.body);
    const auto sent = send_by_program({mailer}, {"a@b.example"}, "x", 60s);
    REQUIRE_FALSE(sent);
    CHECK(sent.error().code == Errc::refused);
    CHECK(sent.error().what == mailer + ": " + row.how);
  }
}

TEST_CASE("a program that hangs is killed at its deadline") {
  const fakes::Directory directory;
  const auto mailer = script(directory, "echo $$ > \"$0.pid\"\nexec sleep 1000\n");
  const auto begin = std::chrono::steady_clock::now();
  const auto sent = send_by_program({mailer}, {"a@b.example"}, "x", 1500ms);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == Errc::timeout);
  CHECK(std::chrono::steady_clock::now() - begin >= 1500ms);
  const auto pid = std::atoi(fakes::content(mailer + ".pid").c_str());
  if (pid > 0) CHECK(::kill(pid, 0) != 0);
}

TEST_CASE("at the deadline the program goes, and whatever it has started") {
  const fakes::Directory directory;
  const auto pipe = directory / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  pollfd end{::open(pipe.c_str(), O_RDONLY | O_NONBLOCK), POLLIN, 0};
  const auto mailer = script(directory, "exec 9>'" + pipe + "'\nsleep 1000 &\nwait\n");
  const auto sent = send_by_program({mailer}, {"a@b.example"}, "x", 2s);
  REQUIRE_FALSE(sent);
  CHECK(sent.error().code == Errc::timeout);
  // It ends when the last of them is gone.
  CHECK(::poll(&end, 1, 10000) == 1);
  CHECK((end.revents & POLLHUP) != 0);
  ::close(end.fd);
}

TEST_CASE("signals that are blocked or ignored here are not in the program") {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR1);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  const auto ignored = ::signal(SIGUSR2, SIG_IGN);
  // No shell: it might unblock them itself.
  const auto ended =
      actions::run_program({"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"}, "", {});
  ::signal(SIGUSR2, ignored);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  REQUIRE(ended);
  std::istringstream said(ended->output);
  std::string name, mask;
  while (said >> name >> mask) {
    INFO(name << " " << mask);
    // Beyond the first 31 are those that the C library keeps to itself.
    CHECK((std::stoull(mask, nullptr, 16) & 0x7fffffff) == 0);
  }
  CHECK(name == "SigIgn:");
}

TEST_CASE("a program that can't be started is said so") {
  const fakes::Directory directory;
  const auto nowhere = send_by_program({"/nowhere/exim"}, {"a@b.example"}, "x", 10s);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().code == Errc::not_found);
  CHECK(send_by_program({"exim"}, {"a@b.example"}, "x", 10s).error().code == Errc::malformed);
  CHECK(send_by_program({}, {"a@b.example"}, "x", 10s).error().code == Errc::malformed);
  fakes::write(directory / "plain", "no program", 0644);
  CHECK(send_by_program({directory / "plain"}, {"a@b.example"}, "x", 10s).error().code ==
        Errc::denied);
}

TEST_CASE("cleaned text is one printable ASCII line") {
  CHECK(actions::cleaned("a\r\nb\t\x1b\x7f\xff") == "a  b");
  CHECK(actions::cleaned(std::string(1000, 'x')).size() == 400);
  CHECK(actions::cleaned("").empty());
}
