// FollowedLogs: the followers of all logs of the configuration, and the positions in logs that it
// no longer has: a log that comes back continues from there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/core/pipeline.h"
#include "agent/core/silence.h"
#include "agent/follow/follower.h"
#include "agent/follow/inotify.h"
#include "agent/service/engine_context.h"

namespace agent {

class FollowedLogs {
 public:
  using Steady = std::chrono::steady_clock::time_point;

  // `inotify` may be null: then the logs are looked at from time to time. All arguments must
  // outlive it.
  FollowedLogs(const EngineContext& context, Pipeline& pipeline, Inotify* inotify);

  // Takes the positions of a checkpoint; comes before follow_new().
  void restore(std::vector<LogPosition> positions) { parked_ = std::move(positions); }
  // Returns true if there is a position for every log of the configuration.
  [[nodiscard]] bool has_positions() const;
  // Opens the logs of the configuration that are not followed yet; nothing is read.
  void follow_new(Now now);
  // Parks the logs that another configuration does not have any more.
  void reconfigured();

  // Returns true if a log was written, came or went.
  bool on_change(const Inotify::Change& change, Instant wall);
  [[nodiscard]] bool needs_polling() const;  // inotify does not tell of every write
  // Looks at all files. Returns how soon to look again; nullopt: nothing is urgent.
  std::optional<Steady::duration> look(Instant wall);
  [[nodiscard]] std::vector<Follower*> all() const;

  [[nodiscard]] std::vector<LogPosition> positions() const;
  [[nodiscard]] std::vector<std::string> faults() const;
  [[nodiscard]] std::vector<Silences::Log> bytes_read() const;
  [[nodiscard]] std::uint64_t lag() const;  // bytes that are not read yet
  // Returns the counters of all logs, also of those that are not followed any more.
  [[nodiscard]] Follower::Counters counters() const;

 private:
  void follow(const std::string& path, Now now);
  [[nodiscard]] bool follows(const std::string& path) const;

  const EngineContext& context_;
  Pipeline& pipeline_;
  Inotify* inotify_;
  std::vector<std::unique_ptr<Follower>> followers_;
  std::vector<LogPosition> parked_;
  Follower::Counters gone_;  // of logs that are not followed any more
};

}  // namespace agent
