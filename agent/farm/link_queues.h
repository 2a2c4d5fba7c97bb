// LinkQueues: what passes between the engine and the thread that speaks with the farm's server:
// settings, events and statements one way, news and the state of the link the other. Each side may
// call at any time and never waits for the other.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "actions/event_fd.h"
#include "actions/result.h"
#include "agent/farm/link.h"
#include "agent/farm/protocol.h"
#include "agent/farm/session.h"

namespace agent {

class LinkQueues {
 public:
  static constexpr std::size_t kMaxEvents = 100'000;
  static constexpr std::size_t kMaxWords = 100'000;
  static constexpr std::size_t kMaxNews = 10'000;  // then is_crowded()
  static constexpr std::size_t kNewsAtOnce = 500;  // in one take(): the log waits as long

  // `machine`: what the host is called if farm.host is empty.
  LinkQueues(const Config& config, const std::string& machine);

  // These are for the engine, as FarmLink promises.
  void send(std::vector<FarmEvent> events);
  [[nodiscard]] bool has_room(std::size_t events) const;
  void propose(std::vector<NamedStatement> words);
  void compared();
  std::vector<FarmNews> take();
  [[nodiscard]] FarmStatus status() const;
  void configure(const Config& config);
  [[nodiscard]] int fd() const { return heard_.fd(); }

  // All below is for the thread.
  [[nodiscard]] FarmSettings settings() const;
  // Returns the rules in the form of farm_rules().
  [[nodiscard]] std::vector<std::string> rules() const;
  [[nodiscard]] bool is_reconfigured() const;

  // A connection has begun. `forgetful`: the server may have lost the events it was sent before.
  void connected(const FarmSession& session, bool forgetful);
  void set_clock_offset(std::int64_t milliseconds);
  void count_strange(std::size_t words);
  void disconnected(const actions::Result<actions::Done>& ended);
  // Waits until `most` is over, another configuration has come, or it is told to stop.
  void pause(const std::stop_token& stop, std::chrono::milliseconds most);

  // Puts news into the queue, of whatever length. Don't ask for more while it is crowded.
  void tell(std::vector<FarmNews> news);
  [[nodiscard]] bool is_crowded() const;

  // Returns statements to propose, at most so many. They stay here until answered() takes them out,
  // those that are still the same; `no_room` and `strange`: how many the server had no room for,
  // and how many of its answers nobody understands.
  [[nodiscard]] std::vector<NamedStatement> words(std::size_t most) const;
  void answered(const std::vector<NamedStatement>& words, std::size_t no_room, std::size_t strange);
  // Returns true if the engine has called compared() since connected().
  [[nodiscard]] bool is_compared() const;

  struct Batch {
    std::vector<FarmEvent> events;
    std::vector<std::string> rules;  // that the events mean
    // Events were lost, and there is room again: the live windows are to be asked for.
    bool wants_windows = false;
  };
  // Takes out events to be counted, at most so many.
  [[nodiscard]] Batch take_events(std::size_t most);
  // Puts events back that may or may not have been counted: they are sent again.
  void put_back(Batch batch);
  void counted(CountAnswer answer);

  // Returns a descriptor that is readable when there is something new for the thread, until
  // drain_wake().
  [[nodiscard]] int wake_fd() const { return wake_.fd(); }
  void drain_wake() const { wake_.drain(); }
  // Ends pause() and poll() of wake_fd(), from any thread.
  void wake();

 private:
  void drop_late(std::int64_t now);

  const std::string machine_;
  actions::EventFd heard_, wake_;  // for the engine; for the thread
  mutable std::mutex mutex_;
  std::condition_variable_any pause_;
  // All below by mutex_.
  FarmSettings settings_;
  std::vector<std::string> rules_;
  std::vector<std::int64_t> keep_;  // seconds, by rule: later no event finds its place
  bool reconfigured_ = false;
  std::deque<FarmEvent> events_;
  bool lost_ = false;  // events did not fit
  std::map<FarmName, FarmStatement> words_;
  bool compared_ = false;
  std::deque<FarmNews> news_;
  FarmStatus status_;
};

}  // namespace agent
