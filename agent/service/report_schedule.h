// ReportSchedule: when the next report of notify.report is due, and since when it tells. The saver
// composes it beside a checkpoint, since it reads the history; it goes out with the next one, which
// also holds that it was told: each period is told once, late if the service was down.
#pragma once

#include <optional>
#include <vector>

#include "agent/lists/list_keeper.h"
#include "agent/report/periodic_report.h"
#include "agent/service/engine_context.h"
#include "agent/state/saver.h"

namespace agent {

class ReportSchedule {
 public:
  // `context` must outlive it.
  explicit ReportSchedule(const EngineContext& context) : context_(context) {}

  // The end of the last report's period: what a checkpoint keeps.
  void restore(std::optional<Instant> told) { told_ = told; }
  [[nodiscard]] const std::optional<Instant>& told() const { return told_; }
  // The configuration is another, or the first: a report that was not wanted before begins now.
  void configured();

  [[nodiscard]] std::optional<Instant> due() const;
  // Returns what composes the report as of the job's checkpoint, if one is due; else nothing.
  [[nodiscard]] SaveJob::Report task(const SaveJob& job, const ListKeeper& lists,
                                     std::vector<std::string> faults);
  // The job has ended. Returns true if `notice` is the report that was due.
  bool finish(const std::optional<Notice>& notice);

 private:
  const EngineContext& context_;
  std::optional<Instant> told_;
  std::optional<Instant> under_way_;  // until when that one tells
};

}  // namespace agent
