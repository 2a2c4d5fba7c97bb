#include "agent/farm/redis_link.h"

#include <algorithm>
#include <utility>

#include "agent/farm/redis_talk.h"

namespace agent {
namespace {

// The connection is closed when this returns.
actions::Result<actions::Done> talk_once(LinkQueues& queues, HeardUpTo& heard,
                                         std::chrono::milliseconds compare_every,
                                         const std::stop_token& stop) {
  auto talk = RedisTalk::open(queues, heard, compare_every);
  if (!talk) return talk.error();
  return talk->speak(stop);
}

}  // namespace

RedisLink::RedisLink(const Config& config, const std::string& machine,
                     std::chrono::milliseconds compare)
    : compare_every_(compare),
      queues_(config, machine),
      thread_([this](const std::stop_token& stop) { work(stop); }) {}

RedisLink::~RedisLink() {
  thread_.request_stop();
  queues_.wake();
  thread_.join();
}

void RedisLink::send(std::vector<FarmEvent> events) {
  queues_.send(std::move(events));
}

bool RedisLink::has_room(std::size_t events) const {
  return queues_.has_room(events);
}

void RedisLink::propose(std::vector<NamedStatement> words) {
  queues_.propose(std::move(words));
}

void RedisLink::compared() {
  queues_.compared();
}

std::vector<FarmNews> RedisLink::take() {
  return queues_.take();
}

FarmStatus RedisLink::status() const {
  return queues_.status();
}

void RedisLink::configure(const Config& config) {
  queues_.configure(config);
}

void RedisLink::work(const std::stop_token& stop) {
  using Steady = std::chrono::steady_clock;
  HeardUpTo heard;
  auto pause = kFirstPause;
  while (!stop.stop_requested()) {
    const auto began = Steady::now();
    const auto ended = talk_once(queues_, heard, compare_every_, stop);
    if (stop.stop_requested()) return;
    // A connection that held for a while was a good one.
    pause = Steady::now() - began > std::chrono::seconds(10) ? kFirstPause
                                                             : std::min(pause * 2, kLongestPause);
    queues_.disconnected(ended);
    queues_.pause(stop, pause);
  }
}

}  // namespace agent
