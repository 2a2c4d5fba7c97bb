// DecisionEffects: what follows from a decision, in a fixed order: its line in the list, then the
// checkpoint, the service's log, the farm and the notice. Also what follows when a block ends or
// another hand has changed a list.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "agent/core/pipeline.h"
#include "agent/lists/list_keeper.h"
#include "agent/service/announcer.h"
#include "agent/service/engine_context.h"
#include "agent/service/farm_side.h"
#include "agent/state/checkpoint_writer.h"

namespace agent {

class DecisionEffects {
 public:
  // All arguments must outlive it.
  DecisionEffects(const EngineContext& context, Pipeline& pipeline, ListKeeper& lists,
                  Announcer& announcer, FarmSide& farm, CheckpointWriter& checkpoints);

  // Takes a decision of the pipeline. write_lists() writes its line, with those of the same step of
  // reading.
  void decide(Decision&& decision);
  // Takes out a block that has ended by log time.
  void end_block(const Counting::End& block);
  // Ends the blocks that are over by the clock.
  void end_due_blocks();
  // Writes the lines that wait, then announces their decisions, as many as there is time for.
  void write_lists();
  // Looks at the lists that have changed; `all`: at every list, fully.
  void look_at_lists(bool all);
  // Lets nothing wait any more for a list that only has to stay the same.
  void end_doubts();
  // Drops blocks that could not be written yet, if their identities are exempt by now. Returns true
  // if there were any.
  bool drop_exempt();

  // Returns true while decisions are still to be announced. Until all are, no log may be read and
  // no checkpoint begun: it would know nothing of them.
  [[nodiscard]] bool announcing() const { return !decided_.empty(); }
  // Returns true if the last write_lists() had decisions to announce.
  [[nodiscard]] bool deciding() const { return deciding_; }
  [[nodiscard]] std::uint64_t blocks_ended() const { return blocks_ended_; }

 private:
  void keep(Decision&& decision);
  void announce_decided();
  void announce(const Decision& decision, const std::string& data);
  void take_list_news();
  void on_change(const HandChange& change);  // the history and the actions hear of it

  const EngineContext& context_;
  Pipeline& pipeline_;
  ListKeeper& lists_;
  Announcer& announcer_;
  FarmSide& farm_;
  CheckpointWriter& checkpoints_;
  struct Decided {
    Decision decision;
    std::string data;
  };
  std::deque<Decided> decided_;  // not announced yet
  bool deciding_ = false;
  std::uint64_t blocks_ended_ = 0;
  std::uint64_t revision_saved_ = 0;  // ListKeeper::revision() when it was last to be saved
};

}  // namespace agent
