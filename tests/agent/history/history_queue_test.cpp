#include "agent/history/history_queue.h"

#include "agent/state/checkpoint.h"
#include "tests/catch.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr HistoryQueue::Steady kStart{1h};

HistoryEntry entry(const std::string& identity) {
  HistoryEntry made;
  made.identity = identity;
  return made;
}

TEST_CASE("entries wait until the file has them, and what came meanwhile waits on") {
  HistoryQueue queue;
  queue.add(entry("a"));
  CHECK(queue.take_batch(kStart)->size() == 1);
  queue.add(entry("b"));
  CHECK(queue.waiting().size() == 2);
  CHECK(queue.finish({}, kStart).empty());
  CHECK(queue.waiting() == std::vector{entry("b")});
}

TEST_CASE("a fault is said once, tried again after a while, and its end is said") {
  HistoryQueue queue;
  queue.add(entry("a"));
  (void)queue.take_batch(kStart);
  const HistoryStore::Outcome full{"the disk is full", {}};
  CHECK(queue.finish(full, kStart) == "the disk is full; trying again");
  CHECK(queue.fault() == "the disk is full");
  CHECK(queue.due() == kStart + HistoryQueue::kRetry);
  CHECK_FALSE(queue.take_batch(kStart + 1s));
  CHECK(queue.take_batch(kStart + HistoryQueue::kRetry));
  CHECK(queue.finish(full, kStart + 10s).empty());
  CHECK(queue.waiting().size() == 1);
  (void)queue.take_batch(kStart + 20s);
  CHECK(queue.finish({}, kStart + 20s) == "the history can be written again");
  CHECK(queue.waiting().empty());
  CHECK_FALSE(queue.due());
}

TEST_CASE("what waits has a bound, and what is left out is counted") {
  HistoryQueue queue;
  auto big = entry("a");
  big.samples = std::string(HistoryQueue::kMaxSampleBytes / 2 + 1, 'x');
  for (std::size_t i = 0; i < HistoryQueue::kMax + 3; ++i) queue.add(i < 2 ? big : entry("b"));
  CHECK(queue.waiting().size() == HistoryQueue::kMax);
  CHECK(queue.left_out() == 3);
  CHECK_FALSE(queue.waiting()[0].samples.empty());
  CHECK(queue.waiting()[1].samples.empty());
}

TEST_CASE("a checkpoint keeps what waits, whatever bytes it holds") {
  Checkpoint state;
  auto whole = entry("a b\n%\xff");
  whole.event = HistoryEvent::freed;
  whole.time = Instant(123s);
  whole.rule = "users";
  whole.kind = IdentityKind::host;
  whole.count = 0;
  whole.limit = 7;
  whole.period = 1h;
  whole.until = Instant(456s);
  whole.reason = " ";
  whole.samples = "[]";
  state.history = {whole, HistoryEntry{}};
  const auto text = encode_checkpoint(state);
  const auto back = decode_checkpoint(text);
  REQUIRE(back);
  CHECK(back->history == state.history);
}

}  // namespace
}  // namespace agent
