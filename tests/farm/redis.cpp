#include "tests/farm/redis.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <stdexcept>

extern char** environ;

namespace farm_lab {
namespace {

constexpr const char* kServer = "/usr/bin/redis-server";

}  // namespace

std::unique_ptr<Redis> Redis::start(const std::vector<std::string>& options) {
  return std::make_unique<Redis>(options);
}

void Redis::run() {
  if (::access(kServer, X_OK) != 0)
    throw std::runtime_error("no redis-server here: conf/packages.sh test installs it");
  std::vector<std::string> words{kServer,
                                 "--port",
                                 "0",
                                 "--unixsocket",
                                 socket(),
                                 "--save",
                                 "",
                                 "--appendonly",
                                 "no",
                                 "--dir",
                                 directory_.path(),
                                 "--logfile",
                                 directory_ / "redis.log"};
  words.insert(words.end(), options_.begin(), options_.end());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
  if (::posix_spawn(&pid_, arguments[0], nullptr, &attributes, arguments.data(), environ) != 0)
    throw std::runtime_error("redis-server can't be started");
  ::posix_spawnattr_destroy(&attributes);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  for (;;) {
    auto settings = this->settings("lab");
    settings.password_file.clear();
    auto connection = agent::FarmConnection::open(settings.address, settings.timeouts);
    if (connection) {
      const auto answer = connection->ask({"PING"});
      if (answer && (!answer->is_error() || answer->text.starts_with("NOAUTH"))) return;
    }
    if (std::chrono::steady_clock::now() > until)
      throw std::runtime_error("redis-server takes no commands:\n" +
                               fakes::content(directory_ / "redis.log"));
    ::poll(nullptr, 0, 5);
  }
}

void Redis::stop() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Redis::freeze() {
  ::kill(pid_, SIGSTOP);
}

void Redis::thaw() {
  ::kill(pid_, SIGCONT);
}

agent::FarmSettings Redis::settings(const std::string& host) const {
  agent::FarmSettings settings;
  settings.address.path = socket();
  settings.prefix = "test:";
  settings.host = host;
  settings.timeouts = {std::chrono::milliseconds(5000), std::chrono::milliseconds(5000)};
  return settings;
}

agent::FarmSession Redis::session(const std::string& host) const {
  auto session = agent::FarmSession::open(settings(host));
  if (!session) throw std::runtime_error(session.error().what);
  return std::move(session.value());
}

agent::Answer Redis::ask(const std::vector<std::string>& words) const {
  auto connection = agent::FarmConnection::open(settings("lab").address, {});
  if (!connection) throw std::runtime_error(connection.error().what);
  auto answer = connection->ask(words);
  if (!answer) throw std::runtime_error(answer.error().what);
  if (answer->is_error()) throw std::runtime_error(answer->text);
  return std::move(answer.value());
}

agent::Rule rule(const std::string& name, std::uint32_t limit, int period, agent::CountBy by) {
  agent::Rule rule;
  rule.name = name;
  rule.limit = limit;
  rule.period = std::chrono::seconds(period);
  rule.count = by;
  rule.list = "/lists/" + name;
  return rule;
}

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string stamp_of(std::int64_t seconds) {
  const std::time_t time = seconds;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}+00:00", parts.tm_year + 1900,
                     parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace farm_lab
