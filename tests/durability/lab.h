// A machine on disk: a log, a list, a state directory, and an engine turned by hand at times of the
// test's own. What the engine does to the outside (decisions, mails) is written to files of the
// machine, so that it outlives a killed child.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "actions/posix_files.h"
#include "agent/service/engine.h"

namespace lab {

// Takes every mail and keeps it in a file; or refuses all.
class MailFile : public agent::NoticeSender {
 public:
  enum class Writes { body, data };
  explicit MailFile(std::string path, Writes writes = Writes::body)
      : path_(std::move(path)), writes_(writes) {}
  void send(const agent::Notice& mail) override;
  std::vector<Outcome> outcomes() override { return std::exchange(done_, {}); }

  std::string refusal;  // empty: all is taken

 private:
  std::string path_;
  Writes writes_;
  std::vector<Outcome> done_;
};

class Machine {
 public:
  // Everything lies below `directory`, which is made. Limit 3 in 1 h.
  explicit Machine(std::string directory);
  ~Machine();  // removes it all; an engine that runs is dropped as by a crash

  // --- the outside
  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }
  [[nodiscard]] std::string log() const { return path("log/mainlog"); }
  [[nodiscard]] std::string list() const { return path("lists/users"); }
  void forward(std::chrono::milliseconds time) { time_ += time; }
  // The wall clock alone: time goes on as before.
  void set_clock(std::chrono::seconds by) { began_ += by; }
  void forward_to(std::chrono::milliseconds since_start) { time_ = since_start; }
  // Of this time, as Exim writes it; of a clock that is so much fast.
  [[nodiscard]] std::string stamp(std::chrono::seconds fast = {}) const;
  [[nodiscard]] std::string line(const std::string& user);  // each its own text, at this time
  void write(const std::string& text);  // appended to the log, created if need be
  void rejections(const std::string& user, int count);
  void rename(const std::string& from, const std::string& to) const;  // names in the log directory
  void append(const std::string& name, const std::string& text) const;
  void copy_and_truncate(const std::string& to) const;
  void remove(const std::string& name) const;
  void compress(const std::string& name) const;  // to NAME.gz, NAME goes
  // The list as an editor leaves it; the file's times are those of this machine.
  void edit(const std::string& content, bool in_place = false) const;
  void free_user(const std::string& user) const;
  [[nodiscard]] std::string list_text() const;

  // --- the engine
  void start();
  void stop();
  void kill() { engine_.reset(); }
  void turns(int count, std::chrono::milliseconds apart);
  bool one_turn(std::chrono::milliseconds after);  // true: there is more to do at once
  void settle();  // turns until nothing more is expected, mails too
  void reload();
  [[nodiscard]] bool running() const { return engine_ != nullptr; }
  [[nodiscard]] agent::Engine& engine() { return *engine_; }
  [[nodiscard]] MailFile& mailer() { return notifier_; }
  agent::Config& config() { return config_; }

  // --- what it did
  [[nodiscard]] std::vector<std::string> listed() const;  // keys, sorted
  // By "freed user" or "blocked user at its time": how often the configured actions were told.
  [[nodiscard]] std::map<std::string, int> acted() const;
  // By "user since first to last": how many mails told of it.
  [[nodiscard]] std::map<std::string, int> told() const;
  [[nodiscard]] std::set<std::string> decided() const;  // "user rule count time"
  [[nodiscard]] std::vector<std::string> said() const;
  // What the history file has: "event identity by", as often as it is there.
  [[nodiscard]] std::multiset<std::string> history() const;
  // `text` with every date and time in it as seconds since this machine began: what two machines
  // did can be compared.
  [[nodiscard]] std::int64_t seconds() const { return now_since_began().count(); }
  [[nodiscard]] std::int64_t seconds(std::int64_t time) const {
    return time - began_.time_since_epoch().count();
  }
  [[nodiscard]] std::string relative(std::string_view text) const;
  // The list, what was decided, and every window and block, one a line, times relative.
  [[nodiscard]] std::string account();

  // What a child that is killed has come to, for the one that goes on in its place.
  struct Hands {
    std::chrono::milliseconds time{0};
    int lines = 0;
  };
  [[nodiscard]] Hands hands() const { return {time_, lines_}; }
  void take(Hands hands) {
    time_ = hands.time;
    lines_ = hands.lines;
  }
  std::function<std::chrono::milliseconds()> spent;  // of a turn so far; empty: none
  agent::Inotify* inotify =
      nullptr;                    // of the next start; null: files are looked at from time to time
  std::function<void()> on_time;  // called whenever time has passed for the engine

 private:
  [[nodiscard]] agent::Now now() const;
  [[nodiscard]] std::chrono::seconds now_since_began() const {
    return std::chrono::floor<std::chrono::seconds>(time_);
  }
  [[nodiscard]] agent::PipelineOptions around() const;
  void date(const std::string& file) const;

  std::string directory_;
  std::chrono::sys_seconds began_;
  std::chrono::milliseconds time_{0};
  int lines_ = 0;
  agent::Config config_;
  actions::PosixFiles files_;
  MailFile notifier_;
  std::unique_ptr<agent::DirectSaver> saver_;
  std::unique_ptr<agent::Engine> engine_;
};

[[nodiscard]] std::string read_file(const std::string& path);  // "" if there is none
// A directory for machines, on memory if there is such a place, of this process alone.
[[nodiscard]] std::string scratch();

}  // namespace lab
