// Notices on their way. Each goes at once, in a mail of its own, until kAlone mails went (or half
// of what an hour may bring) within the hour; from then on what is decided in quick succession, or
// beyond the mails of an hour, goes together in one. A mail is tried until it is taken, at growing
// intervals.
//
// What waits is kept in the checkpoint, with the number of times it was handed over and nobody
// could say any more what became of it, since that is written before the hand-over. So a stop at
// any point loses none, and one that may have gone is sent again only once things are calm.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "agent/notify/notice.h"
#include "agent/notify/notifier.h"
#include "agent/notify/waiting_notice.h"

namespace agent {

class Outbox {
 public:
  using Steady = std::chrono::steady_clock::time_point;
  using Say = std::function<void(const std::string&)>;

  static constexpr std::size_t kMaxNotices = 10000;  // beyond: new ones are dropped and counted
  static constexpr std::size_t kMaxBodies = std::size_t{4} << 20;  // bytes; beyond: only subjects
  static constexpr std::size_t kMaxInMail = 500;
  static constexpr std::size_t kAlone = 30;  // mails of an hour
  static constexpr std::chrono::seconds kGather{3};

  Outbox(NoticeSender& mailer, std::string host, std::uint32_t max_per_hour, Say say)
      : notifier_(mailer),
        host_(std::move(host)),
        max_per_hour_(max_per_hour),
        say_(std::move(say)) {}

  void add(Notice notice);
  void restore(std::vector<WaitingNotice> notices, Steady now);
  void set_max_per_hour(std::uint32_t mails) { max_per_hour_ = mails; }

  // Chooses the next mail if one is due. True: a checkpoint with waiting() must now be written, and
  // then release() called.
  bool prepare(Steady now);
  [[nodiscard]] bool prepared() const { return mail_ && !released_; }
  void release();
  // At a stop: what was chosen but not released waits as before.
  void take_back();
  // Takes in what the mailer has done; true if the outbox changed.
  bool collect(Steady now);

  [[nodiscard]] std::optional<Steady> next_due() const;  // nullopt: nothing waits for a time
  [[nodiscard]] std::vector<WaitingNotice> waiting() const;
  [[nodiscard]] std::size_t size() const { return items_.size(); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] std::uint64_t mails() const { return mails_; }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  struct Item {
    Notice notice;
    Steady due{};
    unsigned attempts = 0;      // that failed, and we know it
    std::uint32_t unknown = 0;  // see WaitingNotice
    bool in_mail = false;
    // So many may go together in the next mail with it: half of those of the last one that failed.
    // So a notice that nobody takes is alone soon, and the others go without it.
    std::size_t together = kMaxInMail;
  };
  [[nodiscard]] bool goes_alone() const;
  [[nodiscard]] Steady next_mail() const;

  NoticeSender& notifier_;
  std::string host_;
  std::uint32_t max_per_hour_;
  Say say_;
  std::vector<Item> items_;
  std::size_t body_bytes_ = 0;
  std::optional<Notice> mail_;  // chosen; its items are in_mail
  bool released_ = false;
  std::unordered_set<std::string> known_;  // message ids of items_
  std::deque<Steady> taken_;               // the mails of the last hour
  std::uint64_t dropped_ = 0, mails_ = 0;
  std::string fault_;
};

}  // namespace agent
