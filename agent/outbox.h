// Notices on their way: each is tried until it is taken, at growing intervals. Kept in the
// checkpoint, so a stop loses none; the same Message-ID shows a repeated one.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/mailer.h"
#include "agent/notice.h"

namespace agent {

class Outbox {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Say = std::function<void(const std::string&)>;

  // Beyond this many a new notice is not kept: the list and the log still tell the story.
  static constexpr std::size_t kMaxNotices = 10000;

  Outbox(Mailer& mailer, Say say) : mailer_(mailer), say_(std::move(say)) {}

  void add(Notice notice);
  void restore(std::vector<Notice> notices);
  // Hands over what is due. Call after the checkpoint that holds it is on the disk.
  void send_due(Steady now);
  // Takes in what the mailer has done; true if the outbox changed.
  bool collect(Steady now);

  [[nodiscard]] std::optional<Steady> next_due() const;  // nullopt: nothing waits for a time
  [[nodiscard]] std::vector<Notice> notices() const;
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  struct Item {
    Notice notice;
    Steady due{};
    unsigned attempts = 0;
    bool under_way = false;
  };
  Mailer& mailer_;
  Say say_;
  std::vector<Item> items_;
  std::uint64_t dropped_ = 0;
  std::string fault_;
};

}  // namespace agent
