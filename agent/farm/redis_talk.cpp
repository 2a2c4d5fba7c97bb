#include "agent/farm/redis_talk.h"

#include <poll.h>

#include <algorithm>
#include <array>

namespace agent {
namespace {

using actions::Done;
using actions::Errc;
using actions::Result;

constexpr std::size_t kWordsInOne = 200;
constexpr std::chrono::hours kForgetAfter{24 * 30};
constexpr std::size_t kEventsInOne = FarmSession::kMaxBatch * FarmSession::kMaxCalls;

std::vector<FarmNews> single(FarmNews::Kind kind) {
  std::vector<FarmNews> news(1);
  news.front().kind = kind;
  return news;
}

// Statements that nobody needs any more.
std::vector<FarmName> old_ones(const std::vector<NamedStatement>& words) {
  const auto long_ago = std::chrono::duration_cast<std::chrono::seconds>(
                            (std::chrono::system_clock::now() - kForgetAfter).time_since_epoch())
                            .count();
  std::vector<FarmName> old;
  for (const auto& word : words) {
    const auto last =
        word.record.blocked ? word.record.until.value_or(long_ago) : word.record.stamp / 1000;
    if (last < long_ago) old.push_back(word.name);
  }
  return old;
}

}  // namespace

Result<RedisTalk> RedisTalk::open(LinkQueues& queues, HeardUpTo& heard,
                                  std::chrono::milliseconds compare_every) {
  const auto settings = queues.settings();
  auto session = FarmSession::open(settings);
  if (!session) return session.error();
  auto feed = FarmSession::connect(settings);
  if (!feed) return feed.error();
  return RedisTalk(queues, heard, compare_every, std::move(session.value()),
                   std::move(feed.value()));
}

Result<Done> RedisTalk::speak(const std::stop_token& stop) {
  if (const auto begun = begin(); !begun) return begun.error();
  ask_for_feed();
  while (!stop.stop_requested() && !queues_.is_reconfigured()) {
    if (Steady::now() >= compare_due_) {
      if (const auto compared = compare(stop); !compared) return compared.error();
    }
    if (const auto heard = hear(); !heard) return heard.error();
    const auto said = say_words();
    if (!said) return said.error();
    const auto sent = send_events();
    if (!sent) return sent.error();
    if (!said.value() && !sent.value()) wait();
  }
  return Done{};
}

Result<Done> RedisTalk::begin() {
  const bool other = session_.epoch() != heard_.epoch || session_.server().run_id != heard_.run_id;
  bool pull = other;
  if (!other && !heard_.position.empty()) {
    const auto holds = session_.feed_holds(heard_.position);
    if (!holds) return holds.error();
    pull = !holds.value() && heard_.position != "0-0";
  }
  compare_due_ = Steady::now();
  if (pull) {
    auto end = session_.feed_end();
    if (!end) return end.error();
    heard_.position = std::move(end.value());
    held_ = true;
  } else {
    compare_due_ += compare_every_;
  }
  queues_.connected(session_, other);
  heard_.epoch = session_.epoch();
  heard_.run_id = session_.server().run_id;
  return Done{};
}

Result<Done> RedisTalk::compare(const std::stop_token& stop) {
  compare_due_ = Steady::now() + compare_every_;
  // Says that this host is there, too, and finds out whether the server has forgotten everything.
  if (const auto heard = session_.count(queues_.rules(), {}); !heard) return heard.error();
  if (const auto compared = session_.compare_clocks(); !compared) return compared.error();
  queues_.set_clock_offset(session_.clock_offset());
  if (const auto forgot = session_.forget({}, kForgetAfter); !forgot) return forgot.error();
  return pull_all(stop);
}

// Every statement there is, to the engine; and those that nobody needs any more away.
Result<Done> RedisTalk::pull_all(const std::stop_token& stop) {
  queues_.tell(single(FarmNews::Kind::all));
  std::string cursor = "0";
  do {
    while (queues_.is_crowded() && !stop.stop_requested()) wait();
    if (stop.stop_requested()) return Done{};
    auto part = session_.pull(cursor);
    if (!part) return part.error();
    cursor = part->cursor;
    if (const auto old = old_ones(part->words); !old.empty()) {
      if (const auto forgot = session_.forget(old, kForgetAfter); !forgot) return forgot.error();
    }
    queues_.count_strange(part->strange);
    queues_.tell(news_of(std::move(part->words)));
  } while (cursor != "0");
  queues_.tell(single(FarmNews::Kind::that_was));
  return Done{};
}

// True if there was anything to say.
Result<bool> RedisTalk::say_words() {
  if (held_ && !queues_.is_compared()) return false;
  const auto words = queues_.words(kWordsInOne);
  if (words.empty()) return std::exchange(held_, false);
  auto answers = session_.change(words);
  if (!answers) return answers.error();
  std::vector<FarmNews> news;
  std::size_t no_room = 0, strange = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    auto& answer = answers.value()[i];
    if (!answer.holds) {
      // It is said again at the next comparison.
      ++(answer.no_room ? no_room : strange);
      continue;
    }
    auto& settled = news.emplace_back();
    settled.kind = FarmNews::Kind::settled;
    settled.word = {words[i].name, std::move(*answer.holds)};
    settled.proposed = words[i].record;
    settled.blocked_before = answer.blocked_before;
  }
  queues_.answered(words, no_room, strange);
  queues_.tell(std::move(news));
  return true;
}

// True if there were any, or the engine was asked for them.
Result<bool> RedisTalk::send_events() {
  if (held_) return false;
  auto batch = queues_.take_events(kEventsInOne);
  if (batch.wants_windows) queues_.tell(single(FarmNews::Kind::windows));
  if (batch.events.empty()) return batch.wants_windows;
  auto counted = session_.count(batch.rules, batch.events);
  if (!counted) {
    queues_.put_back(std::move(batch));
    return counted.error();
  }
  queues_.counted(std::move(counted.value()));
  return true;
}

void RedisTalk::ask_for_feed() {
  feed_.add(session_.feed_command(heard_.position));
  feed_due_ = Steady::now() + FarmSession::kFeedWait + std::chrono::seconds(2);
}

Result<Done> RedisTalk::hear() {
  if (const auto sent = feed_.flush(); !sent) return sent.error();
  if (queues_.is_crowded())
    feed_due_ = Steady::now() + FarmSession::kFeedWait + std::chrono::seconds(2);
  while (!queues_.is_crowded()) {
    const auto taken = feed_.take();
    if (!taken) return taken.error();
    if (!taken->there) break;
    if (taken->answer.is_error())
      return actions::Error{Errc::refused, 0,
                            "farm server: the stream: " + refusal_text(taken->answer)};
    auto read = read_feed(taken->answer);
    if (!read) return actions::Error{Errc::malformed, 0, "farm server: its stream is malformed"};
    if (!read->position.empty()) heard_.position = read->position;
    queues_.count_strange(read->strange);
    queues_.tell(news_of(std::move(read->words)));
    ask_for_feed();
    if (const auto sent = feed_.flush(); !sent) return sent.error();
  }
  if (Steady::now() >= feed_due_)
    return actions::Error{Errc::timeout, 0, "farm server: its stream has fallen silent"};
  return Done{};
}

void RedisTalk::wait() {
  const auto until = std::min(feed_due_, compare_due_);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
  std::array<pollfd, 2> waiting{
      {{queues_.is_crowded() ? -1 : feed_.fd(), POLLIN, 0}, {queues_.wake_fd(), POLLIN, 0}}};
  ::poll(waiting.data(), waiting.size(),
         static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000)));
  queues_.drain_wake();
}

}  // namespace agent
