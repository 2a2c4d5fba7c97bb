// A mail host of a farm: a log, a list, an engine turned by hand, and the real way to a server.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actions/posix_files.h"
#include "agent/farm/redis_link.h"
#include "agent/service/engine.h"
#include "tests/fakes.h"

namespace farm_lab {

// Takes every mail and keeps its subject.
class Mails : public agent::NoticeSender {
 public:
  void send(const agent::Notice& mail) override {
    subjects.push_back(mail.subject);
    bodies.push_back(mail.body);
    done_.push_back({mail.message_id, ""});
  }
  std::vector<Outcome> outcomes() override { return std::exchange(done_, {}); }
  std::vector<std::string> subjects, bodies;

 private:
  std::vector<Outcome> done_;
};

// The real ones; how often a list was read is counted.
struct CountingFiles : actions::PosixFiles {
  actions::Result<actions::Content> read(const std::string& path, std::size_t limit) override {
    ++reads[path];
    return PosixFiles::read(path, limit);
  }
  std::map<std::string, int> reads;
};

class Host {
 public:
  // `socket`: of the server. Limit 20 in 1 h, until config() says otherwise.
  Host(std::string name, const std::string& socket,
       std::chrono::milliseconds compare = std::chrono::minutes(5));
  ~Host();
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  agent::Config& config() { return config_; }
  void start();
  void stop();
  void kill();  // without a word
  [[nodiscard]] bool running() const { return engine_ != nullptr; }
  // What there is to do, without waiting; the longest that took so far is kept.
  void turn();
  // Another clock than the server's, for log and engine.
  void set_clock(std::chrono::seconds ahead) { ahead_ = ahead; }

  void rejections(const std::string& user, int count, std::chrono::seconds ago = {});
  // A message comes in from this address.
  void message(const std::string& user, const std::string& address);
  void edit(const std::string& content);  // the list, as by an editor
  void free_user(const std::string& user);
  [[nodiscard]] std::string list_text() const;
  [[nodiscard]] std::set<std::string> listed() const;
  [[nodiscard]] std::string list() const { return directory_ / "lists/users"; }

  [[nodiscard]] int list_reads() { return files_.reads[list()]; }

  Mails mails;
  std::vector<std::string> said;
  std::vector<agent::Decision> decisions;
  [[nodiscard]] agent::FarmStatus farm() const { return link_->status(); }
  [[nodiscard]] const agent::Engine& engine() const { return *engine_; }
  [[nodiscard]] std::chrono::steady_clock::duration longest_turn() const { return longest_; }

 private:
  [[nodiscard]] agent::Now now() const;

  std::string name_, socket_;
  std::chrono::milliseconds compare_;
  fakes::Directory directory_;
  agent::Config config_;
  CountingFiles files_;
  std::chrono::seconds ahead_{0};
  std::unique_ptr<agent::DirectSaver> saver_;
  std::unique_ptr<agent::RedisLink> link_;
  std::unique_ptr<agent::FarmLink> shifted_;  // what the engine knows of it, by its own clock
  std::unique_ptr<agent::Engine> engine_;
  std::chrono::steady_clock::duration longest_{};
  int lines_ = 0;
};

// Turns all of them until it holds, or half a minute is over.
[[nodiscard]] bool until(const std::vector<Host*>& hosts, const std::function<bool()>& holds);

}  // namespace farm_lab
