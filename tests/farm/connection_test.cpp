// Servers that do not answer, or not as they should.
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "agent/farm/session.h"
#include "tests/catch.h"
#include "tests/fakes.h"
#include "tests/farm/redis.h"

using agent::FarmConnection;
using agent::FarmSession;

namespace {

// Answers each thing it is told with the next of its lines; then it is silent, or hangs up.
class Scripted {
 public:
  Scripted(std::vector<std::string> answers, bool hangs_up)
      : answers_(std::move(answers)), hangs_up_(hangs_up) {
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::strncpy(name.sun_path, socket().c_str(), sizeof name.sun_path - 1);
    if (::bind(listening_, reinterpret_cast<const sockaddr*>(&name), sizeof name) != 0 ||
        ::listen(listening_, 4) != 0) {
      throw std::runtime_error("no socket");
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~Scripted() {
    ::shutdown(listening_, SHUT_RDWR);
    if (peer_ >= 0) ::shutdown(peer_, SHUT_RDWR);
    thread_.join();
    ::close(listening_);
    if (peer_ >= 0) ::close(peer_);
  }
  [[nodiscard]] std::string socket() const { return directory_ / "s"; }
  [[nodiscard]] agent::FarmSettings settings() const {
    agent::FarmSettings settings;
    settings.address.path = socket();
    settings.prefix = "p:";
    settings.host = "h";
    settings.timeouts = {std::chrono::milliseconds(100), std::chrono::milliseconds(100)};
    return settings;
  }

 private:
  void serve() {
    peer_ = ::accept(listening_, nullptr, nullptr);
    if (peer_ < 0) return;
    char buffer[4096];
    for (const auto& answer : answers_) {
      if (::recv(peer_, buffer, sizeof buffer, 0) <= 0) return;
      if (::send(peer_, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) return;
    }
    if (hangs_up_) ::shutdown(peer_, SHUT_RDWR);
    while (::recv(peer_, buffer, sizeof buffer, 0) > 0) {
    }
  }

  fakes::Directory directory_;
  std::vector<std::string> answers_;
  bool hangs_up_;
  int listening_ = -1;
  std::atomic<int> peer_ = -1;
  std::thread thread_;
};

}  // namespace

TEST_CASE("a server that is not there, is silent, hangs up or talks nonsense is an error in time") {
  fakes::Directory directory;
  agent::FarmSettings nowhere;
  nowhere.address.path = directory / "none";
  CHECK_FALSE(FarmSession::open(nowhere));

  struct Row {
    std::vector<std::string> answers;
    bool hangs_up;
    actions::Errc code;
  };
  const Row rows[] = {
      {{}, false, actions::Errc::timeout},
      {{}, true, actions::Errc::io},
      {{"$5\r\nab"}, false, actions::Errc::timeout},
      {{"HTTP/1.1 200 OK\r\n\r\n"}, false, actions::Errc::malformed},
      {{"+OK\r\n"}, false, actions::Errc::malformed},
      {{"-NOAUTH Authentication required.\r\n"}, false, actions::Errc::denied},
      {{"-LOADING Redis is loading the dataset in memory\r\n"}, false, actions::Errc::refused},
      {{"-OOM command not allowed\r\n"}, false, actions::Errc::full},
      {{"$38\r\nredis_version:7.0.15\r\nrun_id:0123456789\r\n", "*0\r\n"},
       false,
       actions::Errc::malformed},
      {{"$38\r\nredis_version:7.0.15\r\nrun_id:0123456789\r\n",
        "*2\r\n$10\r\n1764107055\r\n$1\r\n0\r\n", "$1\r\nx\r\n"},
       false,
       actions::Errc::malformed},
  };
  for (const auto& row : rows) {
    const Scripted server(row.answers, row.hangs_up);
    const auto begin = std::chrono::steady_clock::now();
    const auto session = FarmSession::open(server.settings());
    REQUIRE_FALSE(session);
    INFO(session.error().what);
    CHECK(session.error().code == row.code);
    CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
  }
}

TEST_CASE("no secret shows in an error, whatever the server repeats") {
  fakes::Directory directory;
  fakes::write(directory / "password", "hunter2\n", 0600);
  const Scripted server(
      {"-ERR unknown command 'AUTH', with args beginning with: 'u' 'hunter2'\r\n"}, false);
  auto settings = server.settings();
  settings.user = "u";
  settings.password_file = directory / "password";
  const auto session = FarmSession::open(settings);
  REQUIRE_FALSE(session);
  CHECK(session.error().what.find("hunter2") == std::string::npos);
  CHECK(session.error().code == actions::Errc::denied);
  settings.password_file = directory / "none";
  CHECK_FALSE(FarmSession::open(settings));
  fakes::write(directory / "empty", "\nhunter2\n");
  CHECK_FALSE(agent::read_password(directory / "empty"));
}

TEST_CASE("a user with a password, and one who may too little") {
  const auto redis = farm_lab::Redis::start({"--user", "default", "off", "--user", "farm", "on",
                                             ">secret", "~test:*", "+@all", "--user", "poor", "on",
                                             ">secret", "~test:*", "+auth", "+info"});
  fakes::Directory directory;
  fakes::write(directory / "password", "secret\n", 0600);
  auto settings = redis->settings("mx1");
  CHECK_FALSE(FarmSession::open(settings));
  settings.password_file = directory / "password";
  settings.user = "farm";
  const auto session = FarmSession::open(settings);
  if (!session) FAIL(session.error().what);
  CHECK(session->server().version.find('.') != std::string::npos);
  CHECK(std::abs(session->clock_offset()) < 2000);
  settings.user = "poor";
  const auto poor = FarmSession::open(settings);
  REQUIRE_FALSE(poor);
  CHECK(poor.error().code == actions::Errc::denied);
}
