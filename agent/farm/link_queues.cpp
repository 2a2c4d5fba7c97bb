#include "agent/farm/link_queues.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace agent {
namespace {

// As in count.lua.
std::vector<std::int64_t> keeps_of(const std::vector<Rule>& rules) {
  std::vector<std::int64_t> keeps;
  for (const auto& rule : rules) {
    const auto period = static_cast<std::int64_t>(rule.period.count());
    keeps.push_back(period + std::clamp<std::int64_t>(period, 900, 3600));
  }
  return keeps;
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Moves at most `most` elements out of the front.
template <class T>
std::vector<T> take_front(std::deque<T>& queue, std::size_t most) {
  const auto end = queue.begin() + static_cast<std::ptrdiff_t>(std::min(queue.size(), most));
  std::vector<T> front(std::make_move_iterator(queue.begin()), std::make_move_iterator(end));
  queue.erase(queue.begin(), end);
  return front;
}

}  // namespace

LinkQueues::LinkQueues(const Config& config, const std::string& machine)
    : machine_(machine),
      settings_(farm_settings(config.farm, machine)),
      rules_(farm_rules(config.rules)),
      keep_(keeps_of(config.rules)) {}

void LinkQueues::wake() {
  wake_.signal();
  pause_.notify_all();
}

// --- For the engine.

void LinkQueues::send(std::vector<FarmEvent> events) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& event : events) {
      if (events_.size() < kMaxEvents) {
        events_.push_back(std::move(event));
        continue;
      }
      lost_ = true;
      ++status_.dropped;
    }
  }
  wake_.signal();
}

bool LinkQueues::has_room(std::size_t events) const {
  const std::lock_guard lock(mutex_);
  return events_.size() + events <= kMaxEvents;
}

void LinkQueues::propose(std::vector<NamedStatement> words) {
  {
    const std::lock_guard lock(mutex_);
    for (auto& word : words) {
      // What does not fit is said at the next comparison.
      if (words_.size() < kMaxWords || words_.count(word.name) > 0)
        words_[word.name] = std::move(word.record);
    }
  }
  wake_.signal();
}

void LinkQueues::compared() {
  {
    const std::lock_guard lock(mutex_);
    compared_ = true;
  }
  wake_.signal();
}

std::vector<FarmNews> LinkQueues::take() {
  heard_.drain();
  std::vector<FarmNews> news;
  bool was_crowded = false, more = false;
  {
    const std::lock_guard lock(mutex_);
    was_crowded = news_.size() >= kMaxNews;
    news = take_front(news_, kNewsAtOnce);
    more = !news_.empty();
  }
  if (more) heard_.signal();
  if (was_crowded) wake();
  return news;
}

FarmStatus LinkQueues::status() const {
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.waiting = events_.size();
  return status;
}

void LinkQueues::configure(const Config& config) {
  {
    const std::lock_guard lock(mutex_);
    settings_ = farm_settings(config.farm, machine_);
    rules_ = farm_rules(config.rules);
    keep_ = keeps_of(config.rules);
    // Events say by number which rule they belong to.
    lost_ = lost_ || !events_.empty();
    events_.clear();
    reconfigured_ = true;
  }
  wake();
}

// --- For the thread.

FarmSettings LinkQueues::settings() const {
  const std::lock_guard lock(mutex_);
  return settings_;
}

std::vector<std::string> LinkQueues::rules() const {
  const std::lock_guard lock(mutex_);
  return rules_;
}

bool LinkQueues::is_reconfigured() const {
  const std::lock_guard lock(mutex_);
  return reconfigured_;
}

void LinkQueues::connected(const FarmSession& session, bool forgetful) {
  const std::lock_guard lock(mutex_);
  lost_ = lost_ || forgetful;
  drop_late(seconds_now() + session.clock_offset() / 1000);
  compared_ = false;
  status_.connected = true;
  status_.fault.clear();
  status_.server = session.server().version;
  status_.clock_offset = session.clock_offset();
  ++status_.connections;
  heard_.signal();
}

// What has grown too old while it waited is no sign of a wrong clock.
void LinkQueues::drop_late(std::int64_t now) {
  std::erase_if(events_, [&](const FarmEvent& event) {
    return event.rule < keep_.size() && event.time <= now - keep_[event.rule];
  });
}

void LinkQueues::set_clock_offset(std::int64_t milliseconds) {
  const std::lock_guard lock(mutex_);
  status_.clock_offset = milliseconds;
}

void LinkQueues::count_strange(std::size_t words) {
  const std::lock_guard lock(mutex_);
  status_.strange += words;
}

void LinkQueues::disconnected(const actions::Result<actions::Done>& ended) {
  {
    const std::lock_guard lock(mutex_);
    status_.connected = false;
    if (!ended) status_.fault = ended.error().what;
  }
  heard_.signal();
}

void LinkQueues::pause(const std::stop_token& stop, std::chrono::milliseconds most) {
  std::unique_lock lock(mutex_);
  pause_.wait_for(lock, stop, most, [&] { return reconfigured_; });
  reconfigured_ = false;
}

void LinkQueues::tell(std::vector<FarmNews> news) {
  if (news.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    std::move(news.begin(), news.end(), std::back_inserter(news_));
  }
  heard_.signal();
}

bool LinkQueues::is_crowded() const {
  const std::lock_guard lock(mutex_);
  return news_.size() >= kMaxNews;
}

std::vector<NamedStatement> LinkQueues::words(std::size_t most) const {
  std::vector<NamedStatement> words;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, record] : words_) {
    if (words.size() >= most) break;
    words.push_back({name, record});
  }
  return words;
}

void LinkQueues::answered(const std::vector<NamedStatement>& words, std::size_t no_room,
                          std::size_t strange) {
  const std::lock_guard lock(mutex_);
  status_.counts.crowded += no_room;
  status_.strange += strange;
  for (const auto& word : words) {
    const auto known = words_.find(word.name);
    if (known != words_.end() && known->second == word.record) words_.erase(known);
  }
}

bool LinkQueues::is_compared() const {
  const std::lock_guard lock(mutex_);
  return compared_;
}

LinkQueues::Batch LinkQueues::take_events(std::size_t most) {
  const std::lock_guard lock(mutex_);
  Batch batch;
  batch.events = take_front(events_, most);
  batch.rules = rules_;
  // Asked for only once there is room for them.
  batch.wants_windows = lost_ && events_.size() < kMaxEvents / 2;
  if (batch.wants_windows) {
    lost_ = false;
    ++status_.resyncs;
  }
  return batch;
}

void LinkQueues::put_back(Batch batch) {
  const std::lock_guard lock(mutex_);
  if (batch.rules == rules_)
    events_.insert(events_.begin(), std::make_move_iterator(batch.events.begin()),
                   std::make_move_iterator(batch.events.end()));
  else
    lost_ = true;
}

void LinkQueues::counted(CountAnswer answer) {
  {
    const std::lock_guard lock(mutex_);
    auto& counts = status_.counts;
    counts.added += answer.counts.added;
    counts.again += answer.counts.again;
    counts.blocked += answer.counts.blocked;
    counts.late += answer.counts.late;
    counts.ahead += answer.counts.ahead;
    counts.crowded += answer.counts.crowded;
    status_.strange += answer.strange;
  }
  tell(news_of(std::move(answer.decided)));
}

}  // namespace agent
