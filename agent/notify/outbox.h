// The outbox: notices that no transport has accepted yet. Each goes at once, in a mail of its own,
// until kAlone mails (or half of an hour's limit) went within the hour; from then on, notices in
// quick succession, or beyond the hour's limit, go together in one mail. A mail is tried again at
// growing intervals until it is accepted.
//
// An outbox of single hand-overs (each_alone) never puts two in one mail and has no limit; there,
// a notice waits for those before it about the same identity, so that a lock never comes after its
// release.
//
// Waiting notices are kept in the checkpoint, with the number of hand-overs whose outcome is
// unknown, since the checkpoint is written before the hand-over. So a stop at any point loses no
// notice, and a notice that may have gone out is sent again only when things are calm.
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
  struct Limits {
    bool each_alone = false;
    std::size_t notices = kMaxNotices;
    std::size_t bodies = kMaxBodies;
  };
  static constexpr std::size_t kMaxInMail = 500;
  static constexpr std::size_t kAlone = 30;  // mails of an hour
  static constexpr std::chrono::seconds kGather{3};

  Outbox(NoticeSender& mailer, std::string host, std::uint32_t max_per_hour, Say say)
      : Outbox(mailer, std::move(host), max_per_hour, std::move(say), Limits{}) {}
  Outbox(NoticeSender& mailer, std::string host, std::uint32_t max_per_hour, Say say, Limits limits)
      : notifier_(mailer),
        host_(std::move(host)),
        max_per_hour_(max_per_hour),
        limits_(limits),
        say_(std::move(say)) {}

  void add(Notice notice);
  void restore(std::vector<WaitingNotice> notices, Steady now);
  void set_each_alone(bool alone) { limits_.each_alone = alone; }
  void set_max_per_hour(std::uint32_t mails) { max_per_hour_ = mails; }

  // Chooses the next mail if one is due. Returns true if a checkpoint with waiting() must now be
  // written, and then release() called.
  bool prepare(Steady now);
  [[nodiscard]] bool prepared() const { return mail_ && !released_; }
  void release();
  // For a stop: a mail that was chosen but not released waits as before.
  void take_back();
  // Takes the mailer's outcomes; returns true if the outbox changed.
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
    unsigned attempts = 0;      // that are known to have failed
    std::uint32_t unknown = 0;  // see WaitingNotice
    bool in_mail = false;
    // How many notices may go together in the next mail with it: half of those of the last mail
    // that failed. So a notice that is never accepted is soon alone, and the others go without it.
    std::size_t together = kMaxInMail;
    std::string about = {};  // the identity, if it has to wait for those before it
  };
  [[nodiscard]] bool goes_alone() const;
  [[nodiscard]] Steady next_mail() const;

  NoticeSender& notifier_;
  std::string host_;
  std::uint32_t max_per_hour_;
  Limits limits_;
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
