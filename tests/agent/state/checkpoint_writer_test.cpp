#include "agent/state/checkpoint_writer.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "tests/catch.h"

namespace agent {
namespace {

using namespace std::chrono_literals;
using Steady = CheckpointWriter::Steady;

// On the disk as soon as it is begun.
struct Disk : Saver {
  void start(SaveJob) override { ended = true; }
  std::optional<Outcome> outcome() override {
    return std::exchange(ended, false) ? std::optional(Outcome{}) : std::nullopt;
  }
  std::optional<Outcome> wait() override { return outcome(); }
  [[nodiscard]] int fd() const override { return -1; }
  bool ended = false;
};

constexpr std::size_t kSmall = 10'000, kLarge = 10'000'000;
const Steady kBegin = Steady(1h);

struct Lab {
  Disk disk;
  CheckpointWriter writer{disk, [](const auto&) {}};
  std::size_t bytes = kSmall;

  // Whether one was begun.
  bool turn(Steady now) {
    const bool begun =
        writer.start_if_due(now, [&] { return SaveJob{{}, std::string(bytes, 'x'), "", ""}; });
    (void)writer.collect(now);
    return begun;
  }
};

// The longest time without a checkpoint while so many blocks are written each time, and the time
// from the last of them to the next one.
struct Pauses {
  Steady::duration longest{}, last{};
};
Pauses pauses(std::size_t bytes, std::size_t blocks, Steady::duration apart) {
  Lab lab;
  lab.bytes = bytes;
  Pauses found;
  auto before = kBegin, now = kBegin;
  for (; now < kBegin + 20s; now += apart) {
    lab.writer.hurry();
    lab.writer.blocked(now, blocks, bytes);
    if (!lab.turn(now)) continue;
    found.longest = std::max(found.longest, now - before);
    before = now;
  }
  const auto end = now - apart;
  lab.writer.hurry();
  while (!lab.turn(now)) {
    REQUIRE(lab.writer.due());
    CHECK(*lab.writer.due() > now);  // nobody turns for nothing
    now = *lab.writer.due();
  }
  found.last = now - end;
  return found;
}

TEST_CASE("a checkpoint that takes long to encode waits for the end of a burst, but not for ever") {
  for (const std::size_t blocks : {1U, 100U}) {
    CAPTURE(blocks);
    const auto large = pauses(kLarge, blocks, 10ms);
    CHECK(large.longest >= CheckpointWriter::kBurst);
    CHECK(large.longest <= CheckpointWriter::kBurst + 50ms);
    CHECK(large.last <= 1300ms);  // what it took of the time before is paid first
    CHECK(pauses(kSmall, blocks, 10ms).longest <= 20ms);
  }
}

TEST_CASE("a block now and then is saved at once, however much there is to encode") {
  Lab lab;
  lab.bytes = kLarge;
  for (auto now = kBegin; now < kBegin + 60s; now += 5s) {
    lab.writer.hurry();
    lab.writer.blocked(now, 1, kLarge);
    CHECK(lab.turn(now));
  }
}

}  // namespace
}  // namespace agent
