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

#include "actions/event_fd.h"
#include "agent/core/config.h"
#include "agent/notify/notice.h"

namespace agent {

// The interface to send notices. A seam: tests put in their own.
class NoticeSender {
 public:
  struct Outcome {
    std::string message_id;
    std::string error;          // of every transport; empty if it was accepted
    std::string taker = {};     // the transport that accepted it
    std::string refusals = {};  // of those before that one
    std::string remark = {};    // worth to be said of one that was accepted
  };
  virtual ~NoticeSender() = default;
  virtual void send(const Notice& mail) = 0;
  // Returns the attempts that have ended since the last call.
  virtual std::vector<Outcome> outcomes() = 0;
  // Waits until the attempt under way has ended, at most this long.
  virtual void wait(std::chrono::milliseconds) {}
  virtual void configure(const NotifyConfig&) {}
  // Returns true while an attempt is under way.
  [[nodiscard]] virtual bool busy() const { return false; }
  // Readable when there are outcomes; -1: ask from time to time.
  [[nodiscard]] virtual int fd() const { return -1; }
};

class Notifier : public NoticeSender {
 public:
  // Every attempt ends within this time for each transport.
  static constexpr std::chrono::seconds kDeadline{30};

  Notifier(NotifyConfig config, std::string host);
  ~Notifier() override;  // waits for the attempt under way
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  // Tries the transports in their order.
  void send(const Notice& mail) override;
  std::vector<Outcome> outcomes() override;
  void wait(std::chrono::milliseconds most) override;
  void configure(const NotifyConfig& config) override;
  [[nodiscard]] int fd() const override { return done_fd_.fd(); }
  [[nodiscard]] bool busy() const override;

 private:
  void work(const std::stop_token& stop);
  static Outcome attempt(const NotifyConfig& config, const std::string& from, const Notice& mail);

  std::string host_;
  actions::EventFd done_fd_;
  mutable std::mutex mutex_;
  NotifyConfig config_;
  std::condition_variable_any wake_, ended_;
  bool under_way_ = false;
  std::deque<Notice> waiting_;
  std::vector<Outcome> done_;
  std::jthread thread_;  // last: it uses all of the above
};

// True if there is anywhere to send a notice to.
[[nodiscard]] bool wants_notices(const NotifyConfig& config);

}  // namespace agent
