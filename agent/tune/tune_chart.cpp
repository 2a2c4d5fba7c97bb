#include "agent/tune/tune_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/output/text_table.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

constexpr double kLeft = 16, kRight = 944, kTop = 44, kBase = 190;

std::string range_text(const PeakBucket& bucket) {
  if (bucket.low == bucket.high) return grouped(bucket.low);
  if (bucket.high == UINT32_MAX) return grouped(bucket.low) + "+";
  return fmt::format("{}\u2013{}", grouped(bucket.low), grouped(bucket.high));
}

// Buckets in which the limit falls are cut at it, so that no bar is on both sides.
std::vector<PeakBucket> parted(const Peaks& peaks, std::size_t period, std::uint32_t limit) {
  auto buckets = peak_buckets(peaks, period);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    auto& one = buckets[i];
    if (limit <= one.low || limit > one.high) continue;
    PeakBucket upper{limit, one.high, 0};
    for (const auto& [key, subject] : peaks.subjects()) {
      if (subject.events == 0) continue;
      const auto peak = subject.peaks[period];
      if (peak >= limit && peak <= one.high) ++upper.identities;
    }
    one.identities -= upper.identities;
    one.high = limit - 1;
    buckets.insert(buckets.begin() + static_cast<std::ptrdiff_t>(i) + 1, upper);
    break;
  }
  return buckets;
}

std::string label(double x, double y, const char* kind, const std::string& words,
                  const char* anchor = "middle") {
  return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" class=\"{}\">{}</text>\n",
                     x, y, anchor, kind, words);
}

}  // namespace

std::string peaks_svg(const Tuning& tuning, std::size_t period, std::uint32_t limit) {
  const auto& peaks = *tuning.peaks;
  const auto buckets = parted(peaks, period, limit);
  std::uint64_t most = 1;
  for (const auto& bucket : buckets) most = std::max(most, bucket.identities);
  const auto name = duration_text(peaks.grid().periods[period]);
  std::string out = fmt::format(
      "<svg viewBox=\"0 0 960 240\" role=\"img\" aria-label=\"Identities by their most refused "
      "recipients in {}\">\n",
      name);
  out +=
      label(kLeft, 16, "strong", "identities by their most refused recipients in " + name, "start");
  const double step = (kRight - kLeft) / static_cast<double>(buckets.size());
  bool ruled = limit == 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    const auto& one = buckets[i];
    const double left = kLeft + step * static_cast<double>(i);
    const bool blocked = limit > 0 && one.low >= limit;
    if (blocked && !ruled) {
      ruled = true;
      out += fmt::format(
          "<line class=\"limit\" x1=\"{0:.1f}\" y1=\"{1}\" x2=\"{0:.1f}\" y2=\"{2}\"/>\n", left, 24,
          kBase);
      const bool late = left > (kLeft + kRight) / 2;
      out += label(late ? left - 6 : left + 6, 32, "lim", "limit " + grouped(limit),
                   late ? "end" : "start");
    }
    // By the square root: one identity must be seen beside thousands.
    const double share = std::sqrt(static_cast<double>(one.identities) / static_cast<double>(most));
    const double high = one.identities == 0 ? 0 : std::max(3.0, share * (kBase - kTop - 16));
    if (one.identities > 0) {
      out += fmt::format(
          "<rect class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\"/>\n",
          blocked ? "refused" : "accepted", left + step * .08, kBase - high, step * .84, high);
      out += label(left + step / 2, kBase - high - 5, "strong", grouped(one.identities));
    }
    out += label(left + step / 2, kBase + 18, "", range_text(one));
  }
  out += fmt::format("<line class=\"axis\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", kLeft,
                     kBase, kRight, kBase);
  return out + label(kRight, kBase + 38, "", "most refused recipients within " + name, "end") +
         "</svg>\n";
}

}  // namespace agent
