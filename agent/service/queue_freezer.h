// Freezer: freezes what a blocked sender has in the queue from inside the window: what Exim
// accepted before the limit was reached. It works on a thread of its own, since asking for a long
// queue takes time. It keeps nothing over a restart: freeze_again() finds young blocks in the
// lists, and freezing twice is freezing once.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "actions/exim/exim_access.h"
#include "actions/exim/exim_queue.h"
#include "actions/files.h"
#include "agent/core/config.h"
#include "agent/core/identity_tables.h"
#include "agent/service/frozen_survey.h"
#include "agent/values/zone.h"

namespace agent {

class Freezer {
 public:
  using Say = std::function<void(const std::string&)>;  // called from the thread

  // `files` is used from another thread, and must allow that.
  Freezer(const std::string& exim, actions::Files& files,
          std::shared_ptr<const IdentityTables> tables, Say say);
  ~Freezer();  // gives up what Exim is being asked: see freeze_again()
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  // Takes other tables, by which messages are attributed from now on.
  void set_tables(std::shared_ptr<const IdentityTables> tables);
  // Freezes the messages of this sender that Exim received at `since` or later. What an admin has
  // thawed stays thawed; what a delivery holds is tried again for a minute. Once the sender is gone
  // from `list` nothing of it is frozen any more.
  void freeze(IdentityKind kind, std::string identity, std::string list, Instant since);

  // Surveys what is frozen of the senders in these lists from now on: after something was frozen,
  // and every few minutes while somebody is listed. It takes a small share of the time, however
  // long the queue is.
  void survey(std::vector<std::pair<IdentityKind, std::string>> lists);
  // Returns the last survey; nullopt: none yet, or Exim could not be asked.
  [[nodiscard]] std::optional<FrozenSurvey> surveyed() const;

 private:
  using Steady = std::chrono::steady_clock::time_point;
  struct Job {
    IdentityKind kind;
    std::string identity, list;
    std::int64_t since = 0;  // seconds since 1970 UTC
    unsigned tries = 0;
    Steady due{};
    bool listed = false;  // the sender was seen in the list
  };
  void work(const std::stop_token& stop);
  void attempt(std::vector<Job>& jobs, const IdentityMap& map, const std::stop_token& stop);
  void drop_freed(std::vector<Job>& jobs) const;
  void look(const IdentityMap& map, const std::stop_token& stop);
  void report(const Job& job, std::size_t frozen, std::size_t held);

  actions::EximQueue queue_;
  actions::Files& files_;
  Say say_;
  bool denied_ = false;
  bool blind_ = false;  // a survey has failed, which was said
  mutable std::mutex mutex_;
  std::shared_ptr<const IdentityTables> tables_;
  std::condition_variable_any wake_;
  std::vector<Job> waiting_;
  std::vector<std::pair<IdentityKind, std::string>> surveyed_lists_;
  std::optional<FrozenSurvey> survey_;
  Steady survey_due_ = Steady::max();
  std::jthread thread_;  // last: it uses all of the above
};

// Returns true if Exim takes orders about its queue from this process: it does from root and from
// its own user.
[[nodiscard]] bool may_freeze(const std::optional<actions::EximUser>& exim);

// Freezes the mail of senders that were blocked within the last period of their rule, as the lists
// say.
void freeze_again(Freezer& freezer, const Config& config, actions::Files& files, Instant now);

}  // namespace agent
