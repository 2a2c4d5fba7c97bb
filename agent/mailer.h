// Hands notices over on a thread of its own, so that no mail server can hold up the reading of a
// log.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "agent/config.h"
#include "agent/notice.h"

namespace agent {

class Mailer {
 public:
  // Every attempt ends within this time for each transport.
  static constexpr std::chrono::seconds kDeadline{30};

  Mailer(NotifyConfig config, std::string host);
  ~Mailer();  // waits for the attempt under way
  Mailer(const Mailer&) = delete;
  Mailer& operator=(const Mailer&) = delete;

  // True if there is anywhere to send a notice to.
  [[nodiscard]] bool wanted() const;
  // Tries the transports in their order.
  void send(const Notice& notice);

  struct Outcome {
    std::string message_id;
    std::string error;  // of every transport; empty: it was taken
  };
  // What has ended since the last call. fd() becomes readable when there is something.
  std::vector<Outcome> outcomes();
  [[nodiscard]] int fd() const { return event_fd_; }

 private:
  void work(const std::stop_token& stop);
  std::string attempt(const Notice& notice) const;

  NotifyConfig config_;
  std::string from_;
  int event_fd_ = -1;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::deque<Notice> waiting_;
  std::vector<Outcome> done_;
  std::jthread thread_;  // last: it uses all of the above
};

}  // namespace agent
