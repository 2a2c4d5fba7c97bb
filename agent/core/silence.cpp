#include "agent/core/silence.h"

#include <algorithm>
#include <utility>

namespace agent {
namespace {

constexpr std::int64_t kHour = 3600, kDay = 24 * kHour;

std::int64_t number(Instant time) {
  return time.time_since_epoch().count();
}

std::size_t hour_of(std::int64_t time) {
  return static_cast<std::size_t>((time / kHour) % 24);
}

// The hours that a pause touches; all of them if it is longer than a day.
template <class Do>
void each_hour(std::int64_t from, std::int64_t to, const Do& act) {
  const auto first = from / kHour, last = std::min(to / kHour, first + 23);
  for (auto hour = first; hour <= last; ++hour) act(hour_of(hour * kHour));
}

}  // namespace

bool Silence::heard(Instant now) {
  if (!state_.since) state_.since = now;
  if (state_.heard && now > *state_.heard) {
    const auto from = number(*state_.heard), to = number(now);
    each_hour(from, to, [&](std::size_t hour) {
      state_.longest[hour] = std::max(state_.longest[hour], to - from);
    });
    // An eighth less a day: a holiday is forgotten within weeks.
    if (from / kDay != to / kDay) {
      for (auto& longest : state_.longest) longest -= longest / 8;
    }
  }
  if (!state_.heard || now > *state_.heard) state_.heard = now;
  const bool again = state_.alarmed;
  state_.alarmed = false;
  return again;
}

void Silence::begin(Instant now) {
  state_.heard = now;
  state_.alarmed = false;
}

std::chrono::seconds Silence::usual(Instant now) const {
  if (!state_.heard) return kLeast;
  std::int64_t longest = 0;
  // An hour around too: habits are no clockwork.
  each_hour(number(*state_.heard) - kHour, number(now) + kHour,
            [&](std::size_t hour) { longest = std::max(longest, state_.longest[hour]); });
  return std::chrono::seconds(longest);
}

bool Silence::too_long(Instant now) {
  if (!state_.heard || !state_.since || state_.alarmed || now - *state_.since < kLearning)
    return false;
  const auto pause = now - *state_.heard;
  if (pause <= kLeast || pause <= usual(now) * kTimes) return false;
  return state_.alarmed = true;
}

void Silences::begin(Instant now) {
  for (auto& [path, log] : logs_) log.silence.begin(now);
}

std::vector<Silences::News> Silences::look(const std::vector<Log>& logs, Instant now) {
  std::erase_if(logs_, [&](const auto& known) {
    return std::none_of(logs.begin(), logs.end(),
                        [&](const Log& log) { return log.path == known.first; });
  });
  std::vector<News> news;
  for (const auto& log : logs) {
    const auto [found, is_new] = logs_.try_emplace(log.path);
    auto& one = found->second;
    if (is_new) one.silence.begin(now);
    const auto since = one.silence.state().heard.value_or(now);
    const auto usual = one.silence.usual(now);
    if (log.bytes != std::exchange(one.bytes, log.bytes)) {
      if (one.silence.heard(now)) news.push_back({log.path, false, since, usual});
    } else if (one.silence.too_long(now)) {
      news.push_back({log.path, true, since, usual});
    }
  }
  return news;
}

Silences::State Silences::state() const {
  State state;
  for (const auto& [path, log] : logs_) state.emplace(path, log.silence.state());
  return state;
}

void Silences::restore(State state, const std::vector<std::string>& paths) {
  if (auto all = state.extract(""); all && paths.size() == 1) {
    all.key() = paths.front();
    state.insert(std::move(all));
  }
  for (const auto& [path, log] : state) logs_[path].silence.restore(log);
}

}  // namespace agent
