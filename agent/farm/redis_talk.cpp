// One connection's life: greeting, comparison, words and events out, the stream in.
#include <poll.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

#include "agent/farm/redis_link.h"

namespace agent {
namespace {

using actions::Done;
using actions::Errc;
using actions::Result;

constexpr std::size_t kWordsInOne = 200;
constexpr std::chrono::hours kForgetAfter{24 * 30};
constexpr std::size_t kEventsInOne = FarmSession::kMaxBatch * FarmSession::kMaxCalls;

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

FarmNews news_of(FarmNews::Kind kind, NamedStatement word = {}) {
  FarmNews news;
  news.kind = kind;
  news.word = std::move(word);
  return news;
}

std::vector<FarmNews> words_of(std::vector<NamedStatement>&& words) {
  std::vector<FarmNews> news;
  for (auto& word : words) news.push_back(news_of(FarmNews::Kind::word, std::move(word)));
  return news;
}

}  // namespace

Result<Done> RedisLink::talk(const std::stop_token& stop) {
  FarmSettings settings;
  {
    const std::lock_guard lock(mutex_);
    settings = settings_;
  }
  auto session = FarmSession::open(settings);
  if (!session) return session.error();
  auto feed = FarmSession::connect(settings);
  if (!feed) return feed.error();
  Talk talk{std::move(session.value()), std::move(feed.value()), {}, {}, false};
  if (const auto begun = begin(talk); !begun) return begun.error();
  listen(talk);
  while (!stop.stop_requested()) {
    {
      const std::lock_guard lock(mutex_);
      if (reconfigured_) return Done{};
    }
    if (Steady::now() >= talk.compare_due) {
      if (const auto pulled = pull(talk, stop); !pulled) return pulled.error();
    }
    if (const auto heard = hear(talk); !heard) return heard.error();
    const auto said = say_words(talk);
    if (!said) return said.error();
    const auto sent = send_events(talk);
    if (!sent) return sent.error();
    if (!said.value() && !sent.value()) wait(talk);
  }
  return Done{};
}

Result<Done> RedisLink::begin(Talk& talk) {
  const auto& session = talk.session;
  const bool other = session.epoch() != epoch_ || session.server().run_id != run_id_;
  bool pull = other;
  if (!other && !position_.empty()) {
    const auto holds = talk.session.feed_holds(position_);
    if (!holds) return holds.error();
    pull = !holds.value() && position_ != "0-0";
  }
  if (pull) {
    auto end = talk.session.feed_end();
    if (!end) return end.error();
    position_ = std::move(end.value());
    talk.compare_due = Steady::now();
    talk.held = true;
  } else {
    talk.compare_due = Steady::now() + compare_every_;
  }
  const std::lock_guard lock(mutex_);
  if (other) lost_ = true;
  drop_late(seconds_now() + session.clock_offset() / 1000);
  epoch_ = session.epoch();
  run_id_ = session.server().run_id;
  compared_ = false;
  status_.connected = true;
  status_.fault.clear();
  status_.server = session.server().version;
  status_.clock_offset = session.clock_offset();
  ++status_.connections;
  heard_.signal();
  return Done{};
}

// Every word there is, to the engine; and those that nobody needs any more away.
Result<Done> RedisLink::pull(Talk& talk, const std::stop_token& stop) {
  talk.compare_due = Steady::now() + compare_every_;
  // Says that this host is there, too, and finds out whether the server has forgotten everything.
  std::vector<std::string> rules;
  {
    const std::lock_guard lock(mutex_);
    rules = rules_;
  }
  if (const auto heard = talk.session.count(rules, {}); !heard) return heard.error();
  if (const auto compared = talk.session.compare_clocks(); !compared) return compared.error();
  {
    const std::lock_guard lock(mutex_);
    status_.clock_offset = talk.session.clock_offset();
  }
  if (const auto forgot = talk.session.forget({}, kForgetAfter); !forgot) return forgot.error();
  tell({news_of(FarmNews::Kind::all)});
  const auto long_ago = std::chrono::duration_cast<std::chrono::seconds>(
                            (std::chrono::system_clock::now() - kForgetAfter).time_since_epoch())
                            .count();
  std::string cursor = "0";
  do {
    while (crowded() && !stop.stop_requested()) wait(talk);
    if (stop.stop_requested()) return Done{};
    auto part = talk.session.pull(cursor);
    if (!part) return part.error();
    cursor = part->cursor;
    std::vector<FarmName> old;
    for (const auto& word : part->words) {
      const auto last =
          word.record.blocked ? word.record.until.value_or(long_ago) : word.record.stamp / 1000;
      if (last < long_ago) old.push_back(word.name);
    }
    if (!old.empty()) {
      if (const auto forgot = talk.session.forget(old, kForgetAfter); !forgot)
        return forgot.error();
    }
    {
      const std::lock_guard lock(mutex_);
      status_.strange += part->strange;
    }
    tell(words_of(std::move(part->words)));
  } while (cursor != "0");
  tell({news_of(FarmNews::Kind::that_was)});
  return Done{};
}

// True if there was anything to say.
Result<bool> RedisLink::say_words(Talk& talk) {
  std::vector<NamedStatement> words;
  {
    const std::lock_guard lock(mutex_);
    if (talk.held && !compared_) return false;
    for (const auto& [name, record] : words_) {
      if (words.size() >= kWordsInOne) break;
      words.push_back({name, record});
    }
  }
  if (words.empty()) {
    if (!talk.held) return false;
    talk.held = false;
    return true;
  }
  auto answers = talk.session.change(words);
  if (!answers) return answers.error();
  std::vector<FarmNews> news;
  std::uint64_t crowded = 0, strange = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto& answer = answers.value()[i];
    if (!answer.holds) {
      // It is said again at the next comparison.
      ++(answer.no_room ? crowded : strange);
      continue;
    }
    auto settled = news_of(FarmNews::Kind::settled, {words[i].name, std::move(*answer.holds)});
    settled.proposed = words[i].record;
    settled.blocked_before = answer.blocked_before;
    news.push_back(std::move(settled));
  }
  {
    const std::lock_guard lock(mutex_);
    status_.counts.crowded += crowded;
    status_.strange += strange;
    for (const auto& word : words) {
      const auto known = words_.find(word.name);
      if (known != words_.end() && known->second == word.record) words_.erase(known);
    }
  }
  tell(std::move(news));
  return true;
}

Result<bool> RedisLink::send_events(Talk& talk) {
  if (talk.held) return false;
  std::vector<FarmEvent> events;
  std::vector<std::string> rules;
  bool windows = false;
  {
    const std::lock_guard lock(mutex_);
    const auto count = std::min(events_.size(), kEventsInOne);
    events.assign(std::make_move_iterator(events_.begin()),
                  std::make_move_iterator(events_.begin() + static_cast<std::ptrdiff_t>(count)));
    events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(count));
    rules = rules_;
    // Asked for only once there is room for them.
    if (lost_ && events_.size() < kMaxEvents / 2) {
      windows = true;
      lost_ = false;
      ++status_.resyncs;
    }
  }
  if (windows) tell({news_of(FarmNews::Kind::windows)});
  if (events.empty()) return windows;
  auto counted = talk.session.count(rules, events);
  const std::lock_guard lock(mutex_);
  if (!counted) {
    // They may have been counted and may not: they are sent again.
    if (rules == rules_)
      events_.insert(events_.begin(), std::make_move_iterator(events.begin()),
                     std::make_move_iterator(events.end()));
    else
      lost_ = true;
    return counted.error();
  }
  auto& counts = status_.counts;
  counts.added += counted->counts.added;
  counts.again += counted->counts.again;
  counts.blocked += counted->counts.blocked;
  counts.late += counted->counts.late;
  counts.ahead += counted->counts.ahead;
  counts.crowded += counted->counts.crowded;
  status_.strange += counted->strange;
  auto news = words_of(std::move(counted->decided));
  const bool any = !news.empty();
  std::move(news.begin(), news.end(), std::back_inserter(news_));
  if (any) heard_.signal();
  return true;
}

// What has grown too old while it waited is no sign of a wrong clock.
void RedisLink::drop_late(std::int64_t now) {
  std::erase_if(events_, [&](const FarmEvent& event) {
    return event.rule < keep_.size() && event.time <= now - keep_[event.rule];
  });
}

void RedisLink::listen(Talk& talk) {
  talk.feed.add(talk.session.feed_command(position_));
  talk.feed_due = Steady::now() + FarmSession::kFeedWait + std::chrono::seconds(2);
}

Result<Done> RedisLink::hear(Talk& talk) {
  if (const auto sent = talk.feed.flush(); !sent) return sent.error();
  if (crowded()) talk.feed_due = Steady::now() + FarmSession::kFeedWait + std::chrono::seconds(2);
  while (!crowded()) {
    const auto taken = talk.feed.take();
    if (!taken) return taken.error();
    if (!taken->there) break;
    if (taken->answer.is_error())
      return actions::Error{Errc::refused, 0,
                            "farm server: the stream: " + refusal_text(taken->answer)};
    auto read = read_feed(taken->answer);
    if (!read) return actions::Error{Errc::malformed, 0, "farm server: its stream makes no sense"};
    if (!read->position.empty()) position_ = read->position;
    {
      const std::lock_guard lock(mutex_);
      status_.strange += read->strange;
    }
    tell(words_of(std::move(read->words)));
    listen(talk);
    if (const auto sent = talk.feed.flush(); !sent) return sent.error();
  }
  if (Steady::now() >= talk.feed_due)
    return actions::Error{Errc::timeout, 0, "farm server: its stream has fallen silent"};
  return Done{};
}

void RedisLink::wait(Talk& talk) {
  const auto until = std::min(talk.feed_due, talk.compare_due);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
  std::array<pollfd, 2> waiting{
      {{crowded() ? -1 : talk.feed.fd(), POLLIN, 0}, {wake_.fd(), POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(),
         static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));
  wake_.drain();
}

}  // namespace agent
