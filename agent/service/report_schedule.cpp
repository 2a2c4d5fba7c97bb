#include "agent/service/report_schedule.h"

#include <memory>
#include <utility>

#include "agent/config/frozen_keeping.h"
#include "agent/notify/notifier.h"

namespace agent {

void ReportSchedule::configured() {
  const auto& notify = context_.config.notify;
  if (context_.options.dry_run || notify.report == ReportPeriod::none || !wants_notices(notify)) {
    told_.reset();
  } else if (!told_) {
    told_ = context_.now.wall;
  }
}

std::optional<Instant> ReportSchedule::due() const {
  return told_ ? next_report(context_.config.notify.report, *told_, context_.zone) : std::nullopt;
}

SaveJob::Report ReportSchedule::task(const SaveJob& job, const ListKeeper& lists,
                                     std::vector<std::string> faults) {
  const auto now = context_.now.wall;
  const auto next = due();
  if (!next || now < *next) return {};
  PeriodicReport report;
  report.since = *told_;
  report.until = now;
  report.faults = std::move(faults);
  for (std::size_t i = 0; i < lists.size(); ++i)
    report.lists.push_back({lists.at(i).path(), lists.at(i).entries()});
  if (const auto survey = context_.options.frozen ? context_.options.frozen() : std::nullopt) {
    report.frozen = {
        survey->messages, survey->bytes, survey->oldest,
        survey->oldest ? kept_until(context_.trust.keeping, *survey->oldest) : std::nullopt};
  }
  NoticeContext notice;
  notice.host = context_.options.host;
  notice.config_path = context_.options.config_path;
  under_way_ = now;
  return [report = std::move(report), notice = std::move(notice), config = context_.config,
          zone = context_.zone, checkpoint = job.checkpoint]() mutable {
    gather_report(config, checkpoint, report);
    return compose_report(report, zone, notice);
  };
}

bool ReportSchedule::finish(const std::optional<Notice>& notice) {
  const auto until = std::exchange(under_way_, std::nullopt);
  if (!notice || !until || !told_) return false;
  told_ = until;
  return true;
}

}  // namespace agent
