#include "agent/service/followed_logs.h"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kLookInTrouble = 1s;  // a log that can't be read
constexpr auto kPoll = 100ms;        // where inotify says nothing
constexpr std::size_t kMaxParked = 64;

}  // namespace

FollowedLogs::FollowedLogs(const EngineContext& context, Pipeline& pipeline, Inotify* inotify)
    : context_(context), pipeline_(pipeline), inotify_(inotify) {}

bool FollowedLogs::has_positions() const {
  const auto& paths = context_.config.log.paths;
  return std::all_of(paths.begin(), paths.end(), [&](const std::string& path) {
    return std::any_of(parked_.begin(), parked_.end(),
                       [&](const LogPosition& position) { return position.path == path; });
  });
}

bool FollowedLogs::follows(const std::string& path) const {
  return std::any_of(followers_.begin(), followers_.end(),
                     [&](const auto& follower) { return follower->path() == path; });
}

void FollowedLogs::follow_new(Now now) {
  for (const auto& path : context_.config.log.paths) {
    if (!follows(path)) follow(path, now);
  }
}

void FollowedLogs::follow(const std::string& path, Now now) {
  std::vector<LogPosition> mine;
  for (auto& position : std::exchange(parked_, {}))
    (position.path == path ? mine : parked_).push_back(std::move(position));
  if (parked_.size() > kMaxParked)
    parked_.erase(parked_.begin(), parked_.end() - static_cast<std::ptrdiff_t>(kMaxParked));
  followers_.push_back(std::make_unique<Follower>(path, context_.config.log.olddirs, context_.zone,
                                                  pipeline_, inotify_, context_.options.say));
  // What may decide is one period old; what it is counted with, two.
  followers_.back()->resume(mine, now.wall - 2 * context_.longest_period(), now.wall);
}

void FollowedLogs::reconfigured() {
  const auto& paths = context_.config.log.paths;
  for (auto& follower : followers_) {
    follower->reconfigured(context_.zone, context_.config.log.olddirs);
    if (std::find(paths.begin(), paths.end(), follower->path()) != paths.end()) continue;
    for (auto& position : follower->positions()) parked_.push_back(std::move(position));
    gone_ += follower->counters();
    follower.reset();
  }
  std::erase(followers_, nullptr);
}

bool FollowedLogs::on_change(const Inotify::Change& change, Instant wall) {
  bool ours = false;
  for (auto& follower : followers_) ours = follower->on_change(change, wall) || ours;
  return ours;
}

bool FollowedLogs::needs_polling() const {
  return std::any_of(followers_.begin(), followers_.end(),
                     [](const auto& follower) { return follower->needs_polling(); });
}

std::optional<FollowedLogs::Steady::duration> FollowedLogs::look(Instant wall) {
  std::optional<Steady::duration> next;
  const auto sooner = [&](Steady::duration time) { next = std::min(next.value_or(time), time); };
  for (auto& follower : followers_) {
    follower->look(wall);
    if (follower->needs_polling()) sooner(kPoll);
    if (!follower->fault().empty()) sooner(kLookInTrouble);
  }
  return next;
}

std::vector<Follower*> FollowedLogs::all() const {
  std::vector<Follower*> all;
  for (const auto& follower : followers_) all.push_back(follower.get());
  return all;
}

std::vector<LogPosition> FollowedLogs::positions() const {
  auto positions = parked_;
  for (const auto& follower : followers_) {
    for (auto& position : follower->positions()) positions.push_back(std::move(position));
  }
  return positions;
}

std::vector<std::string> FollowedLogs::faults() const {
  std::vector<std::string> faults;
  for (const auto& follower : followers_) {
    if (!follower->fault().empty()) faults.push_back(follower->fault());
  }
  return faults;
}

std::vector<Silences::Log> FollowedLogs::bytes_read() const {
  std::vector<Silences::Log> logs;
  for (const auto& follower : followers_)
    logs.push_back({follower->path(), follower->counters().bytes});
  return logs;
}

std::uint64_t FollowedLogs::lag() const {
  std::uint64_t lag = 0;
  for (const auto& follower : followers_) lag += follower->lag();
  return lag;
}

Follower::Counters FollowedLogs::counters() const {
  auto counters = gone_;
  for (const auto& follower : followers_) counters += follower->counters();
  return counters;
}

}  // namespace agent
