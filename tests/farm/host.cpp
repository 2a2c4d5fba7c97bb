#include "tests/farm/host.h"

#include <fmt/format.h>
#include <poll.h>

#include <ctime>
#include <filesystem>
#include <fstream>

#include "actions/lists/lsearch.h"
#include "agent/config/config_file.h"
#include "agent/config/host_facts.h"
#include "agent/core/attribution.h"

namespace farm_lab {
namespace {

std::string stamp_of(agent::Instant time) {
  const std::time_t seconds = time.time_since_epoch().count();
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

// The link reads the machine's clock; a host whose clock is another one has another offset.
class Shifted : public agent::FarmLink {
 public:
  Shifted(agent::FarmLink& link, const std::chrono::seconds& ahead) : link_(link), ahead_(ahead) {}
  void send(std::vector<agent::FarmEvent> events) override { link_.send(std::move(events)); }
  [[nodiscard]] bool has_room(std::size_t events) const override { return link_.has_room(events); }
  void propose(std::vector<agent::NamedStatement> words) override {
    link_.propose(std::move(words));
  }
  void compared() override { link_.compared(); }
  std::vector<agent::FarmNews> take() override { return link_.take(); }
  [[nodiscard]] agent::FarmStatus status() const override {
    auto status = link_.status();
    status.clock_offset -= std::chrono::milliseconds(ahead_).count();
    return status;
  }
  void configure(const agent::Config& config) override { link_.configure(config); }
  [[nodiscard]] int fd() const override { return link_.fd(); }

 private:
  agent::FarmLink& link_;
  const std::chrono::seconds& ahead_;
};

}  // namespace

Host::Host(std::string name, const std::string& socket, std::chrono::milliseconds compare)
    : name_(std::move(name)), socket_(socket), compare_(compare) {
  for (const char* part : {"log", "lists", "state"})
    std::filesystem::create_directories(directory_ / part);
  config_ = agent::default_config();
  config_.log.paths = {directory_ / "log/mainlog"};
  config_.log.timezone = "UTC";
  config_.state.directory = directory_ / "state";
  config_.exim.user = "root";
  config_.notify.to = {"abuse@example.org"};
  config_.farm.url = "redis+unix://" + socket;
  config_.farm.prefix = "test:";
  config_.farm.host = name_;
  agent::Rule rule;
  rule.name = "users";
  rule.limit = 20;
  rule.list = list();
  config_.rules = {rule};
}

Host::~Host() {
  kill();
}

agent::Now Host::now() const {
  return {std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()) + ahead_,
          std::chrono::steady_clock::now()};
}

void Host::start() {
  saver_ = std::make_unique<agent::DirectSaver>(files_, config_.state.directory);
  link_ = std::make_unique<agent::RedisLink>(config_, name_, compare_);
  shifted_ = std::make_unique<Shifted>(*link_, ahead_);
  agent::EngineOptions options;
  options.host = name_;
  options.say = [this](const std::string& text) { said.push_back(text); };
  options.on_decision = [this](const agent::Decision& decision, const agent::Zone&) {
    decisions.push_back(decision);
  };
  auto around = agent::pipeline_options_for(config_);
  engine_ = std::make_unique<agent::Engine>(
      config_, std::move(around).value(), agent::LogTrust{},
      agent::EngineParts{files_, nullptr, mails, *saver_, shifted_.get()}, std::move(options));
  engine_->start(now(), agent::CheckpointFile(files_, config_.state.directory)
                            .load([this](const std::string& text) { said.push_back(text); }));
}

void Host::stop() {
  engine_->stop(now());
  kill();
}

void Host::kill() {
  engine_.reset();
  shifted_.reset();
  link_.reset();
  saver_.reset();
}

void Host::turn() {
  if (!running()) return;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 100 && engine_->turn(now()); ++i) {
  }
  longest_ = std::max(longest_, std::chrono::steady_clock::now() - begin);
}

void Host::rejections(const std::string& user, int count, std::chrono::seconds ago) {
  std::ofstream log(directory_ / "log/mainlog", std::ios::app);
  for (int i = 0; i < count; ++i) {
    log << fmt::format(
        "{} H=(h) [192.0.2.1] F=<a@example.com> A=plain:{} rejected RCPT <no{}@example.com>: "
        "Unrouteable address\n",
        stamp_of(now().wall - ago), user, ++lines_);
  }
}

void Host::message(const std::string& user, const std::string& address) {
  std::ofstream log(directory_ / "log/mainlog", std::ios::app);
  log << fmt::format("{} 1xVRqH-0{:05}-2t <= a@example.com H=(h) [{}] P=esmtpa A=plain:{} S=1\n",
                     stamp_of(now().wall), ++lines_, address, user);
}

std::string Host::list_text() const {
  return fakes::content(list());
}

void Host::edit(const std::string& content) {
  fakes::write(list() + ".new", content);
  std::filesystem::rename(list() + ".new", list());
}

void Host::free_user(const std::string& user) {
  std::string kept;
  std::istringstream lines(list_text());
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(user + ":")) kept += line + "\n";
  }
  edit(kept);
}

std::set<std::string> Host::listed() const {
  std::set<std::string> keys;
  for (const auto& entry : actions::read_list(list_text())) keys.insert(agent::folded(entry.key));
  return keys;
}

bool until(const std::vector<Host*>& hosts, const std::function<bool()>& holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < end) {
    for (auto* host : hosts) host->turn();
    if (holds()) return true;
    ::poll(nullptr, 0, 2);  // the servers' and links' own threads need the machine too
  }
  return false;
}

}  // namespace farm_lab
