// RedisLink: the farm through Redis, on a thread of its own: whatever happens to the server, nobody
// waits for it. What can't be sent waits in a bounded queue. What does not fit, and what the server
// has forgotten, is sent again from the live windows once the server is back.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "agent/farm/link.h"
#include "agent/farm/link_queues.h"

namespace agent {

class RedisLink : public FarmLink {
 public:
  static constexpr std::size_t kMaxEvents = LinkQueues::kMaxEvents;
  // How long it waits between two attempts to connect.
  static constexpr std::chrono::milliseconds kFirstPause{100}, kLongestPause{2000};

  // Starts at once. `machine`: what the host is called if farm.host is empty. `compare`: how often
  // all statements are looked at again.
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
  [[nodiscard]] int fd() const override { return queues_.fd(); }

 private:
  void work(const std::stop_token& stop);

  const std::chrono::milliseconds compare_every_;
  LinkQueues queues_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace agent
