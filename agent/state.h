// All that must survive a stop, as one value: how far each log was read, and the windows, blocks
// and notices of the same moment. Text, versioned, with a checksum; conf/checkpoint-format.md
// describes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/counting.h"
#include "agent/notice.h"
#include "agent/rotations.h"
#include "agent/silence.h"
#include "agent/submissions.h"
#include "agent/tag_check.h"

namespace agent {

// A decision whose line is not in its list yet (the disk was full, the list unreadable ...).
struct PendingBlock {
  std::string list, identity, data;
  bool operator==(const PendingBlock&) const = default;
};

// A notice that no transport has taken yet.
struct WaitingNotice {
  Notice notice;
  // Times it was handed over without our knowing what became of it: we were stopped meanwhile.
  std::uint32_t unknown = 0;
  bool operator==(const WaitingNotice&) const = default;
};

// Of the farm: a word that is known, as text, and whether it holds in the lists here.
struct SavedFarmWord {
  std::string name, record;
  bool applied = false;
  bool operator==(const SavedFarmWord&) const = default;
};
// How things stand with it; none without one.
struct SavedFarm {
  bool connected = false;
  std::string fault;
  std::uint64_t waiting = 0, dropped = 0, ahead = 0, late = 0;
  bool operator==(const SavedFarm&) const = default;
};

struct State {
  std::vector<LogPosition> positions;
  Counting::Subjects subjects;
  Counting::Layout layout;  // what the indexes in subjects mean
  std::optional<Instant> newest;
  std::vector<std::pair<std::string, Submissions::Message>> submissions;  // oldest first
  TagCheck::Seen tags;
  std::vector<std::uint64_t> refusals;  // as Refusals::addresses()
  std::vector<PendingBlock> pending;
  std::vector<WaitingNotice> outbox;
  Silences::State silences;
  std::vector<std::string> faults;  // under way at this moment, for "status"; of no use to a start
  using FarmWord = SavedFarmWord;
  using Farm = SavedFarm;
  std::vector<FarmWord> farm_words;
  std::optional<Farm> farm;
};

[[nodiscard]] std::string encode_state(const State& state);
// With `subjects` in the place of the state's: they are many, and a copy would take as long again.
[[nodiscard]] std::string encode_state(const State& state, const Counting::Subjects& subjects);
// Or what is wrong with the text; any damage is found by the checksum.
[[nodiscard]] std::variant<State, std::string> decode_state(std::string_view text);

}  // namespace agent
