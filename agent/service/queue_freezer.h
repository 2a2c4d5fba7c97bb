// Freezes what a blocked sender has in the queue from inside the window: what Exim accepted before
// the limit was reached. On a thread of its own, since asking for a long queue takes time. Nothing
// is kept over a restart: freeze_again() finds young blocks in the lists, and freezing twice is
// freezing once.
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
#include "agent/core/zone.h"

namespace agent {

class Freezer {
 public:
  using Say = std::function<void(const std::string&)>;  // called from the thread

  // `files` is used from another thread, and must allow that.
  Freezer(const std::string& exim, actions::Files& files,
          std::shared_ptr<const IdentityTables> tables, Say say);
  ~Freezer();  // what Exim is asked at the moment is given up: see freeze_again()
  Freezer(const Freezer&) = delete;
  Freezer& operator=(const Freezer&) = delete;

  // By whom messages are known from now on.
  void set_tables(std::shared_ptr<const IdentityTables> tables);
  // Messages of this sender that Exim received at `since` or later. What an admin has thawed stays
  // thawed; what a delivery holds is tried again for a minute. Once he is gone from `list`, what he
  // sends is his own affair again.
  void freeze(IdentityKind kind, std::string identity, std::string list, Instant since);

 private:
  using Steady = std::chrono::steady_clock::time_point;
  struct Job {
    IdentityKind kind;
    std::string identity, list;
    std::int64_t since = 0;  // seconds since 1970 UTC
    unsigned tries = 0;
    Steady due{};
    bool listed = false;  // he was seen to be
  };
  void work(const std::stop_token& stop);
  void attempt(std::vector<Job>& jobs, const IdentityMap& map, const std::stop_token& stop);
  void drop_freed(std::vector<Job>& jobs) const;
  void report(const Job& job, std::size_t frozen, std::size_t held);

  actions::EximQueue queue_;
  actions::Files& files_;
  Say say_;
  bool denied_ = false;
  std::mutex mutex_;
  std::shared_ptr<const IdentityTables> tables_;
  std::condition_variable_any wake_;
  std::vector<Job> waiting_;
  std::jthread thread_;  // last: it uses all of the above
};

// Does Exim take orders about its queue from us? It does from root and from its own user.
[[nodiscard]] bool may_freeze(const std::optional<actions::EximUser>& exim);

// The senders that were blocked within the last period of their rule, from the lists.
void freeze_again(Freezer& freezer, const Config& config, actions::Files& files, Instant now);

}  // namespace agent
