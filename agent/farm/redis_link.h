// The farm through Redis, on a thread of its own: whatever becomes of the server, nobody waits for
// it. What can't be sent waits in a bounded queue; what does not fit is made good from the live
// windows once the server is back, and so is what a server has lost that came back without its
// memory.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "actions/event_fd.h"
#include "agent/farm/link.h"
#include "agent/farm/session.h"

namespace agent {

class RedisLink : public FarmLink {
 public:
  static constexpr std::size_t kMaxEvents = 100'000;
  static constexpr std::size_t kMaxWords = 100'000;
  static constexpr std::size_t kMaxNews = 10'000;  // then nothing more is asked for
  static constexpr std::size_t kNewsAtOnce = 500;  // in one take(): the log waits as long
  static constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{2000};

  // `compare`: all words are looked at again so often.
  RedisLink(const Config& config, const std::string& machine,
            std::chrono::milliseconds compare = std::chrono::minutes(5));
  ~RedisLink() override;
  RedisLink(const RedisLink&) = delete;
  RedisLink& operator=(const RedisLink&) = delete;

  void send(std::vector<FarmEvent> events) override;
  [[nodiscard]] bool has_room(std::size_t events) const override;
  void propose(std::vector<NamedStatement> words) override;
  void compared() override;
  std::vector<FarmNews> take() override;
  [[nodiscard]] FarmStatus status() const override;
  void configure(const Config& config) override;
  [[nodiscard]] int fd() const override { return heard_.fd(); }

 private:
  using Steady = std::chrono::steady_clock;
  // One connection's life.
  struct Talk {
    FarmSession session;
    FarmConnection feed;
    Steady::time_point feed_due, compare_due;
    bool held = false;  // no events before compared(): they may be of who is not free any more
  };

  void work(const std::stop_token& stop);
  actions::Result<actions::Done> talk(const std::stop_token& stop);
  actions::Result<actions::Done> begin(Talk& talk);
  actions::Result<actions::Done> pull(Talk& talk, const std::stop_token& stop);
  actions::Result<bool> say_words(Talk& talk);
  actions::Result<bool> send_events(Talk& talk);
  actions::Result<actions::Done> hear(Talk& talk);
  void drop_late(std::int64_t now);
  void listen(Talk& talk);
  void wait(Talk& talk);
  void tell(std::vector<FarmNews> news);
  void wake_up();
  [[nodiscard]] bool crowded() const;

  const std::chrono::milliseconds compare_every_;
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
  // The thread's own.
  std::string epoch_, run_id_, position_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace agent
