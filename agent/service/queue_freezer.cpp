#include "agent/service/queue_freezer.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <thread>
#include <unordered_set>
#include <utility>

#include "actions/lists/blocklist.h"
#include "agent/core/list_lines.h"
#include "agent/lists/list_doubt.h"
#include "agent/service/queue_match.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// A message under delivery is locked; deliveries to slow hosts take a while.
constexpr std::array<std::chrono::seconds, 6> kPauses{1s, 2s, 5s, 10s, 20s, 30s};

// The lists as they are now, each read once.
class ListedKeys {
 public:
  explicit ListedKeys(actions::Files& files) : files_(files) {}
  // nullopt: the list can't be read; the service says so.
  std::optional<bool> hold(const std::string& list, const std::string& identity) {
    const auto& keys = keys_of(list);
    if (!keys) return std::nullopt;
    return keys->count(actions::folded_key(identity)) > 0;
  }

 private:
  using Keys = std::optional<std::unordered_set<std::string>>;
  const Keys& keys_of(const std::string& list) {
    const auto known = lists_.find(list);
    if (known != lists_.end()) return known->second;
    auto& keys = lists_[list];
    const auto view = actions::Blocklist(files_, list, {}).read();
    if (!view) return keys;
    keys.emplace();
    for (const auto& entry : view->entries) keys->insert(actions::folded_key(entry.key));
    return keys;
  }

  actions::Files& files_;
  std::map<std::string, Keys> lists_;
};

}  // namespace

Freezer::Freezer(const std::string& exim, actions::Files& files,
                 std::shared_ptr<const IdentityTables> tables, Say say)
    : queue_(exim), files_(files), say_(std::move(say)), tables_(std::move(tables)) {
  // Signals are the main thread's business, whenever it gets to blocking them.
  sigset_t all, before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::jthread([this](const std::stop_token& stop) { work(stop); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Freezer::~Freezer() {
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void Freezer::set_tables(std::shared_ptr<const IdentityTables> tables) {
  const std::lock_guard lock(mutex_);
  tables_ = std::move(tables);
}

void Freezer::freeze(IdentityKind kind, std::string identity, std::string list, Instant since) {
  const std::lock_guard lock(mutex_);
  waiting_.push_back(
      {kind, std::move(identity), std::move(list), since.time_since_epoch().count(), 0, {}, false});
  wake_.notify_one();
}

void Freezer::survey(std::vector<std::pair<IdentityKind, std::string>> lists) {
  const std::lock_guard lock(mutex_);
  surveyed_lists_ = std::move(lists);
  survey_due_ = std::chrono::steady_clock::now();
  wake_.notify_one();
}

std::optional<FrozenSurvey> Freezer::surveyed() const {
  const std::lock_guard lock(mutex_);
  return survey_;
}

// Called without the mutex, which it takes to read what it is to do and to write what it found.
void Freezer::look(const IdentityMap& map, const std::stop_token& stop) {
  constexpr std::chrono::minutes kPause{5};
  constexpr int kShare = 100;  // of the time at most one in so many parts
  std::unique_lock lock(mutex_);
  const auto lists = surveyed_lists_;
  lock.unlock();
  const auto begin = std::chrono::steady_clock::now();
  ListedSenders listed;
  for (const auto& [kind, path] : lists) {
    const auto view = actions::Blocklist(files_, path, {}).read();
    if (!view || view->entries.empty()) continue;  // the service says so
    auto& keys = listed.emplace_back(kind, std::vector<std::string>()).second;
    for (const auto& entry : view->entries) keys.push_back(entry.key);
  }
  std::optional<FrozenSurvey> found = FrozenSurvey();
  if (!listed.empty()) {
    const auto queue = queue_.messages(stop);
    found = queue ? std::optional(survey_frozen(queue.value(), listed, map)) : std::nullopt;
    if (!queue && !stop.stop_requested() && !std::exchange(blind_, true))
      say_("how much is frozen of blocked senders is not known: " + printable(queue.error().what));
  }
  const auto end = std::chrono::steady_clock::now();
  lock.lock();
  survey_ = std::move(found);
  survey_due_ = end + std::max<std::chrono::steady_clock::duration>(kPause, kShare * (end - begin));
}

void Freezer::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const auto next = std::min_element(waiting_.begin(), waiting_.end(),
                                       [](const Job& a, const Job& b) { return a.due < b.due; });
    const auto now = std::chrono::steady_clock::now();
    const auto changed = [&, known = waiting_.size(), look_due = survey_due_] {
      return waiting_.size() != known || survey_due_ != look_due;
    };
    const auto due_next = next == waiting_.end() ? survey_due_ : std::min(next->due, survey_due_);
    if (due_next == Steady::max()) {
      wake_.wait(lock, stop, changed);
      continue;
    }
    if (due_next > now) {
      wake_.wait_until(lock, stop, due_next, changed);
      continue;
    }
    if (next == waiting_.end() || next->due > now) {
      const auto tables = tables_;
      lock.unlock();
      look(tables->identities, stop);
      lock.lock();
      continue;
    }
    std::vector<Job> due;
    std::erase_if(waiting_, [&](Job& job) {
      if (job.due > now) return false;
      due.push_back(std::move(job));
      return true;
    });
    const auto tables = tables_;
    lock.unlock();
    attempt(due, tables->identities, stop);
    lock.lock();
    for (auto& job : due) waiting_.push_back(std::move(job));
    if (survey_due_ != Steady::max()) survey_due_ = std::chrono::steady_clock::now();
  }
}

// A sender that is no longer in its list was freed: by an admin, another host or the end of its
// block. A block that waits for its list was never seen there.
void Freezer::drop_freed(std::vector<Job>& jobs) const {
  ListedKeys then(files_);
  const bool any_gone = std::any_of(jobs.begin(), jobs.end(), [&](const Job& job) {
    return job.listed && !then.hold(job.list, job.identity).value_or(true);
  });
  // An editor that writes in place leaves a list empty for a moment. This thread has nothing else
  // to do meanwhile, and so short a wait holds up no stop.
  if (any_gone) std::this_thread::sleep_for(ListDoubt::kSettle);
  ListedKeys now(files_);
  std::erase_if(jobs, [&](Job& job) {
    const bool listed = now.hold(job.list, job.identity).value_or(job.listed);
    const bool freed = std::exchange(job.listed, listed) && !listed;
    if (freed)
      say_(fmt::format("{}: freed meanwhile; nothing more of its mail in the queue is frozen",
                       printable(job.identity)));
    return freed;
  });
}

// Leaves those in `jobs` that must be tried again, with their time. Once `stop` is requested it
// comes to its end at once, and what it leaves means nothing.
void Freezer::attempt(std::vector<Job>& jobs, const IdentityMap& map, const std::stop_token& stop) {
  const auto wanted = [&](const actions::QueuedMessage& message, const Job& job) {
    return !stop.stop_requested() && !message.frozen && !message.thawed_by_hand &&
           message.received >= job.since && sent_by(message, job.kind, job.identity, map);
  };
  const auto later = [&](const std::string& why) {
    if (stop.stop_requested()) return;
    std::erase_if(jobs, [&](Job& job) {
      if (job.tries < kPauses.size()) {
        job.due = std::chrono::steady_clock::now() + kPauses[job.tries++];
        return false;
      }
      say_(fmt::format("{}: what is in the queue was not frozen: {}", printable(job.identity),
                       printable(why)));
      return true;
    });
  };
  if (denied_) return jobs.clear();
  drop_freed(jobs);
  auto before = queue_.messages(stop);
  if (!before) return later(before.error().what);
  // The newest ones first: what has waited for long will not leave in this moment.
  std::stable_sort(before.value().begin(), before.value().end(),
                   [](const actions::QueuedMessage& a, const actions::QueuedMessage& b) {
                     return a.received > b.received;
                   });
  drop_freed(jobs);  // that took a while
  std::vector<std::string> ids;
  for (const auto& message : before.value()) {
    const bool any =
        std::any_of(jobs.begin(), jobs.end(), [&](const Job& job) { return wanted(message, job); });
    if (any) ids.push_back(message.id);
  }
  if (ids.empty()) return jobs.clear();
  if (const auto done = queue_.order(actions::EximQueue::Order::freeze, ids, stop); !done) {
    if (done.error().code != actions::Errc::denied) return later(done.error().what);
    denied_ = true;
    say_(fmt::format("{}; nothing in the queue will be frozen", printable(done.error().what)));
    return jobs.clear();
  }
  const auto after = queue_.messages(stop);
  if (!after) return later(after.error().what);
  std::erase_if(jobs, [&](Job& job) {
    if (stop.stop_requested()) return false;
    const auto count = [&](const std::vector<actions::QueuedMessage>& messages) {
      return static_cast<std::size_t>(std::count_if(
          messages.begin(), messages.end(),
          [&](const actions::QueuedMessage& message) { return wanted(message, job); }));
    };
    const auto were = count(before.value()), held = count(after.value());
    report(job, were - std::min(were, held), held);
    if (held == 0 || job.tries >= kPauses.size()) return true;
    job.due = std::chrono::steady_clock::now() + kPauses[job.tries++];
    return false;
  });
}

void Freezer::report(const Job& job, std::size_t frozen, std::size_t held) {
  if (frozen > 0)
    say_(fmt::format("{}: {} message{} in the queue frozen", printable(job.identity), frozen,
                     frozen == 1 ? "" : "s"));
  if (held > 0 && (job.tries == 0 || job.tries >= kPauses.size()))
    say_(fmt::format("{}: {} message{} under delivery can't be frozen{}", printable(job.identity),
                     held, held == 1 ? "" : "s",
                     job.tries == 0 ? " now; trying again for a minute" : ""));
}

bool may_freeze(const std::optional<actions::EximUser>& exim) {
  return ::geteuid() == 0 || (exim && ::geteuid() == exim->uid);
}

void freeze_again(Freezer& freezer, const Config& config, actions::Files& files, Instant now) {
  std::vector<std::string> seen;
  for (const auto& rule : config.rules) {
    if (rule.mode == RuleMode::trial) continue;
    if (std::find(seen.begin(), seen.end(), rule.list) != seen.end()) continue;
    seen.push_back(rule.list);
    const auto view = actions::Blocklist(files, rule.list, {}).read();
    if (!view) continue;  // the service says so
    for (const auto& entry : view.value().entries) {
      const auto decided = decided_at(entry.data);
      if (decided && *decided > now - rule.period)
        freezer.freeze(rule.identity, entry.key, rule.list, *decided - rule.period);
    }
  }
}

}  // namespace agent
