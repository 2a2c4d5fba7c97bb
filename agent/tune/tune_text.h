// The answer of tune as text for people.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/tune/advice.h"
#include "agent/tune/labels.h"
#include "agent/tune/peaks.h"
#include "agent/values/zone.h"

namespace agent {

// The time that the logs cover, as far as it is asked for.
struct LogSpan {
  Instant from{}, to{};
  [[nodiscard]] std::chrono::seconds length() const { return to - from; }
};

// One rule's answer, ready to be shown.
struct Tuning {
  const Peaks* peaks = nullptr;
  std::vector<std::size_t> limits;  // the limits of the grid that were asked for
  std::optional<Advice> advice;
  bool shares_list = false;     // another rule blocks into the same list
  std::optional<LogSpan> span;  // nullopt: no line had a time
  std::string state_directory;  // of the configuration
};

[[nodiscard]] std::string tuning_text(const Tuning& tuning, const Labels& labels, const Zone& zone);

// A blocked identity, for text and page.
struct Blocked {
  std::string identity;
  const Peaks::Hit* hit = nullptr;
  const Peaks::Subject* subject = nullptr;
  std::string label;  // "spammer", "honest" or empty
};
// Returns the identities that a limit and period (by index) block, in the order of decision.
[[nodiscard]] std::vector<Blocked> blocked_by(const Peaks& peaks, std::size_t limit,
                                              std::size_t period, const Labels& labels);
// Returns the same for the advice, without those that it wants to be exempt.
[[nodiscard]] std::vector<Blocked> blocked_by_advice(const Tuning& tuning, const Labels& labels);
// How well a setting fits the labels. If no honest ones are given, all others count as honest.
struct Verdict {
  std::uint64_t hits = 0, misses = 0, false_alarms = 0;
};
[[nodiscard]] Verdict judge(const std::vector<Blocked>& blocked, const Labels& labels);
// Returns the `most` identities with the highest counts below the limit, highest first.
[[nodiscard]] std::vector<Blocked> nearest_below(const Peaks& peaks, std::uint32_t limit,
                                                 std::size_t period, const Labels& labels,
                                                 std::size_t most);
// A bar of the chart: the identities by their highest count, 1, 2, 3-4, 5-9, 10-19, ...; the last
// bar is open.
struct PeakBucket {
  std::uint32_t low = 0, high = 0;
  std::uint64_t identities = 0;
};
[[nodiscard]] std::vector<PeakBucket> peak_buckets(const Peaks& peaks, std::size_t period);
// Returns what the service does and the answer leaves out; "" if there is nothing.
[[nodiscard]] std::string left_out_text(const Tuning& tuning);
// Returns the time that the logs cover, and which of the periods it is too short to tell apart.
[[nodiscard]] std::string span_text(const std::optional<LogSpan>& span, const Grid& grid,
                                    const Zone& zone);
// Returns how sure the advice is: "weak" with what is doubtful, or what it rests on.
[[nodiscard]] std::string confidence_text(const Tuning& tuning, const Labels& labels);
// Returns why there is no advice.
[[nodiscard]] std::string no_advice_text(const Labels& labels);
// Returns the reason for this limit, in up to three sentences.
[[nodiscard]] std::string reason_text(const Tuning& tuning, const Labels& labels);
// Returns the ACL condition of Exim's own ratelimit for it; empty if none separates the same ones.
[[nodiscard]] std::string ratelimit_text(const Tuning& tuning);

}  // namespace agent
