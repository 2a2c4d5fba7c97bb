// ExemptionWatch: looks after the exemptions in our files while the service runs: new ones go into
// the history, and before one ends that is still of use a notice goes out, once.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actions/files.h"
#include "agent/core/exemption_uses.h"
#include "agent/core/pipeline.h"
#include "agent/service/announcer.h"
#include "agent/service/engine_context.h"
#include "agent/values/now.h"

namespace agent {

class ExemptionWatch {
 public:
  using Told = std::vector<std::pair<std::string, Instant>>;  // key and end

  // A notice goes out so long before the end, or after half of the time if that is less.
  static constexpr std::chrono::hours kBefore{24};
  // An exemption is of use if it has kept an event from counting within this time.
  static constexpr std::chrono::hours kInUse{24};

  // All arguments must outlive it.
  ExemptionWatch(const EngineContext& context, actions::Files& files, const Pipeline& pipeline,
                 Announcer& announcer)
      : context_(context), files_(files), pipeline_(pipeline), announcer_(announcer) {}

  void restore(Told told) { told_ = std::move(told); }
  [[nodiscard]] const Told& told() const { return told_; }

  // The files were read again.
  void read_anew();
  // Tells of the ends that come soon; looks once a second.
  void look();

 private:
  void remember_new(const std::string& path, IdentityKind kind);

  const EngineContext& context_;
  actions::Files& files_;
  const Pipeline& pipeline_;
  Announcer& announcer_;
  Told told_;
  std::optional<Instant> newest_[2];  // remembered, by file
  std::chrono::steady_clock::time_point next_look_{};
};

}  // namespace agent
