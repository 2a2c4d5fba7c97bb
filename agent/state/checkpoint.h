// The checkpoint: all that must survive a stop, as one value: how far each log was read, and the
// windows, blocks and notices of the same moment. Text, versioned, with a checksum;
// conf/checkpoint-format.md describes it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"
#include "agent/core/counting.h"
#include "agent/core/silence.h"
#include "agent/core/submissions.h"
#include "agent/core/tag_check.h"
#include "agent/farm/saved_farm.h"
#include "agent/follow/rotations.h"
#include "agent/history/history_entry.h"
#include "agent/lists/pending_blocks.h"
#include "agent/notify/trial_digest.h"
#include "agent/notify/waiting_notice.h"

namespace agent {

struct Checkpoint {
  std::vector<LogPosition> positions;
  Counting::Subjects subjects;
  Counting::Layout layout;  // what the indexes in subjects mean
  std::optional<Instant> newest;
  std::vector<std::pair<std::string, Submissions::Message>> submissions;  // oldest first
  TagCheck::Seen tags;
  std::vector<std::uint64_t> refusals;  // as Refusals::addresses()
  std::vector<PendingBlock> pending;
  std::vector<WaitingNotice> outbox;
  std::vector<WaitingAction> actions;
  // The ends of exemptions that a notice has told of: key and end.
  std::vector<std::pair<std::string, Instant>> told_ends;
  std::vector<HistoryEntry> history;  // not in the history file yet
  TrialDigest::State trials;
  std::optional<Instant> report_told;  // the end of the last report's period
  Silences::State silences;
  std::vector<std::string> faults;  // present at this moment, for "status"; a start ignores them
  std::vector<SavedFarmStatement> farm_words;
  std::optional<SavedFarm> farm;
};

[[nodiscard]] std::string encode_checkpoint(const Checkpoint& state);
// Encodes with `subjects` in place of the state's: they are many, and a copy would take as long
// again.
[[nodiscard]] std::string encode_checkpoint(const Checkpoint& state,
                                            const Counting::Subjects& subjects);
// Returns the checkpoint, or what is wrong with the text; the checksum finds any damage.
[[nodiscard]] actions::Result<Checkpoint, std::string> decode_checkpoint(std::string_view text);

}  // namespace agent
