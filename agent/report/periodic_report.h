// The report that goes to the abuse desk each day or week (notify.report): who was blocked and
// freed, who came near a limit, what is frozen, and what does not work. The text is pure; only
// gather_report() reads a file, the history.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/config.h"
#include "agent/history/history_entry.h"
#include "agent/notify/notice.h"
#include "agent/report/fullest_windows.h"
#include "agent/values/zone.h"

namespace agent {

struct PeriodicReport {
  static constexpr std::size_t kMaxEntries = 40;  // of each event; beyond they are only counted
  static constexpr std::size_t kMaxWindows = 10;

  struct Events {
    std::vector<HistoryEntry> entries;  // the newest, oldest first
    std::uint64_t all = 0;
  };
  struct List {
    std::string path;
    std::uint64_t senders = 0;
  };
  struct Frozen {
    std::uint64_t messages = 0, bytes = 0;
    std::optional<Instant> oldest, kept_until;
  };

  Instant since{}, until{};
  std::map<HistoryEvent, Events> events;
  std::optional<std::string> history_fault;  // why the events are not all there
  std::vector<FullWindow> fullest;           // at its end
  std::vector<List> lists;
  std::optional<Frozen> frozen;  // nullopt: the queue is not looked at
  std::vector<std::string> faults;
};

// Returns the first end of a period after `told`: 7 in the morning by the zone's clock, for weekly
// reports on a Monday. nullopt: none is wanted.
[[nodiscard]] std::optional<Instant> next_report(ReportPeriod period, Instant told,
                                                 const Zone& zone);

// Fills in `events` and `fullest` from the history file and from a checkpoint's text.
void gather_report(const Config& config, std::string_view checkpoint, PeriodicReport& report);

// The same report gives the same notice.
[[nodiscard]] Notice compose_report(const PeriodicReport& report, const Zone& zone,
                                    const NoticeContext& context);

}  // namespace agent
