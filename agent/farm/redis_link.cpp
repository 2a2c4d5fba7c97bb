// What the engine has to do with it, and when to try again; redis_talk.cpp speaks with the server.
#include "agent/farm/redis_link.h"

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

}  // namespace

RedisLink::RedisLink(const Config& config, const std::string& machine,
                     std::chrono::milliseconds compare)
    : compare_every_(compare),
      machine_(machine),
      settings_(farm_settings(config.farm, machine)),
      rules_(farm_rules(config.rules)),
      keep_(keeps_of(config.rules)),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

RedisLink::~RedisLink() {
  thread_.request_stop();
  wake_up();
  thread_.join();
}

void RedisLink::wake_up() {
  wake_.signal();
  pause_.notify_all();
}

void RedisLink::send(std::vector<FarmEvent> events) {
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

bool RedisLink::has_room(std::size_t events) const {
  const std::lock_guard lock(mutex_);
  return events_.size() + events <= kMaxEvents;
}

void RedisLink::propose(std::vector<NamedStatement> words) {
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

void RedisLink::compared() {
  {
    const std::lock_guard lock(mutex_);
    compared_ = true;
  }
  wake_.signal();
}

std::vector<FarmNews> RedisLink::take() {
  heard_.drain();
  std::vector<FarmNews> news;
  bool was_crowded = false, more = false;
  {
    const std::lock_guard lock(mutex_);
    was_crowded = news_.size() >= kMaxNews;
    const auto end =
        news_.begin() + static_cast<std::ptrdiff_t>(std::min(news_.size(), kNewsAtOnce));
    news.assign(std::make_move_iterator(news_.begin()), std::make_move_iterator(end));
    news_.erase(news_.begin(), end);
    more = !news_.empty();
  }
  if (more) heard_.signal();
  if (was_crowded) wake_up();
  return news;
}

FarmStatus RedisLink::status() const {
  const std::lock_guard lock(mutex_);
  auto status = status_;
  status.waiting = events_.size();
  return status;
}

void RedisLink::configure(const Config& config) {
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
  wake_up();
}

void RedisLink::tell(std::vector<FarmNews> news) {
  if (news.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    std::move(news.begin(), news.end(), std::back_inserter(news_));
  }
  heard_.signal();
}

bool RedisLink::crowded() const {
  const std::lock_guard lock(mutex_);
  return news_.size() >= kMaxNews;
}

void RedisLink::work(const std::stop_token& stop) {
  auto pause = kFirstPause;
  while (!stop.stop_requested()) {
    const auto began = Steady::now();
    const auto ended = talk(stop);
    if (stop.stop_requested()) return;
    std::unique_lock lock(mutex_);
    status_.connected = false;
    if (!ended) status_.fault = ended.error().what;
    // One that held for a while was a good one.
    pause = Steady::now() - began > std::chrono::seconds(10) ? kFirstPause
                                                             : std::min(pause * 2, kLongestPause);
    const bool at_once = std::exchange(reconfigured_, false);
    lock.unlock();
    heard_.signal();
    lock.lock();
    if (!at_once) pause_.wait_for(lock, stop, pause, [&] { return reconfigured_; });
    reconfigured_ = false;
  }
}

}  // namespace agent
