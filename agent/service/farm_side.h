// FarmSide: the engine's side towards the farm. It puts the farm's statements into this host's
// lists, in the same way as this host's own decisions, and this host's lists into statements.
// Without a farm it does nothing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/pipeline.h"
#include "agent/farm/link.h"
#include "agent/farm/member.h"
#include "agent/lists/list_keeper.h"
#include "agent/service/announcer.h"
#include "agent/service/engine_context.h"
#include "agent/service/metrics.h"
#include "agent/state/checkpoint_file.h"
#include "agent/state/checkpoint_writer.h"

namespace agent {

class FarmSide {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // `link` may be null: this host counts alone. All arguments must outlive it.
  FarmSide(const EngineContext& context, FarmLink* link, Pipeline& pipeline, ListKeeper& lists,
           Announcer& announcer, CheckpointWriter& checkpoints);

  // Takes another configuration, or the first one: the pipeline counts anew.
  void reconfigured();
  void restore(const Checkpoint& saved);
  void save(Checkpoint& state) const;

  // A list has changed since the farm was last told.
  void lists_changed() { lists_changed_ = true; }
  // A limit was reached here; the identity is in its list by now.
  void decided(const Decision& decision);
  // Keeps what such a decision is announced by until it is known whether another host does that.
  // Returns false if no other host will: it is to be sent.
  bool hold_back(const Decision& decision, const Announcement& announcement);
  // Compares the lists with what the farm was told, then does what the farm says.
  void listen();
  // Hands over what was counted and decided. Returns true if there is more to hand over at once.
  bool report();

  [[nodiscard]] std::optional<Steady> due() const;
  [[nodiscard]] std::string fault() const;  // empty: none
  [[nodiscard]] std::optional<Metrics::Farm> metrics() const;

 private:
  using Order = FarmMember::Order;

  void watch_counts();
  void compare();
  void follow(const std::vector<Order>& orders);
  void block(const Order& order);
  void remember_block(const Order& order, const Decision& decision);
  void free(std::size_t list, const std::vector<Order>& orders);
  void end(const Order& order);
  [[nodiscard]] Decision decision_of(const Order& order) const;
  [[nodiscard]] Instant local_time_of(const FarmStatement& statement) const;
  void settle_notices(const std::vector<FarmMember::Settled>& settled);
  void release_overdue_notices();
  void say_state();

  const EngineContext& context_;
  FarmLink* link_;
  Pipeline& pipeline_;
  ListKeeper& lists_;
  Announcer& announcer_;
  CheckpointWriter& checkpoints_;
  std::optional<FarmMember> member_;
  struct HeldNotice {
    Announcement announcement;
    Steady due;
  };
  std::map<FarmName, HeldNotice> held_notices_;
  bool lists_changed_ = true;
  bool connected_ = false;  // these three: as last said
  std::string fault_;
  std::uint64_t events_refused_ = 0;
  std::uint64_t blocked_ = 0, freed_ = 0;  // by the farm's statements
  Steady next_undone_{};
};

}  // namespace agent
