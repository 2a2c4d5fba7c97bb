#include "agent/tune/advice.h"

#include <algorithm>
#include <cmath>

#include "agent/config/config_dump.h"

namespace agent {
namespace {

// A gap this wide is wide enough: beyond it the lower limit is the better one.
constexpr double kWideEnough = 10;
constexpr double kTooNarrow = 1.2;

struct Side {
  std::uint32_t peak = 0;
  double rate = 0;
  bool spammer = false, honest = false;
};

std::vector<Side> sides_of(const Peaks& peaks, const Labels& labels, std::size_t period) {
  std::vector<Side> sides;
  for (const auto& [key, subject] : peaks.subjects()) {
    if (subject.events == 0 || subject.own_limit) continue;
    Side side;
    side.peak = subject.peaks[period];
    if (!subject.rates.empty()) side.rate = subject.rates[period];
    side.spammer = labels.spammers.count(key) > 0;
    // Where only the spammers are known, all others are honest.
    side.honest =
        labels.honest.empty() ? labels.given() && !side.spammer : labels.honest.count(key) > 0;
    sides.push_back(side);
  }
  std::sort(sides.begin(), sides.end(), [](const Side& a, const Side& b) {
    return a.peak != b.peak ? a.peak < b.peak : a.rate < b.rate;
  });
  return sides;
}

double width(double below, double above) {
  return std::min(kWideEnough, above / std::max(1.0, below));
}

struct Gap {
  std::uint32_t below = 0, above = 0;
  [[nodiscard]] double width() const {
    return agent::width(static_cast<double>(below), static_cast<double>(above));
  }
};

std::optional<Gap> widest_gap(const std::vector<Side>& sides) {
  std::optional<Gap> best;
  for (std::size_t i = (sides.size() + 1) / 2; i > 0 && i < sides.size(); ++i) {
    const Gap gap{sides[i - 1].peak, sides[i].peak};
    if (!best || gap.width() > best->width()) best = gap;
  }
  return best;
}

// Between what is known to be honest and what is known to be spam; above is 0 where they overlap.
std::optional<Gap> labelled_gap(const std::vector<Side>& sides) {
  Gap gap;
  bool any_spammer = false;
  for (const auto& side : sides) {
    if (side.honest) gap.below = std::max(gap.below, side.peak);
    if (side.spammer && !any_spammer) gap.above = side.peak;
    any_spammer = any_spammer || side.spammer;
  }
  if (!any_spammer) {
    const auto next = std::find_if(sides.begin(), sides.end(),
                                   [&](const Side& side) { return side.peak > gap.below; });
    if (next == sides.end()) return std::nullopt;
    gap.above = next->peak;
  }
  if (gap.above <= gap.below) gap.above = 0;
  return gap;
}

// The limit nearest the middle of the gap, measured in factors.
std::optional<std::uint32_t> limit_in(const Gap& gap, const std::vector<std::uint32_t>& limits) {
  const double middle =
      std::sqrt(static_cast<double>(std::max(1U, gap.below)) * static_cast<double>(gap.above));
  std::optional<std::uint32_t> best;
  const auto distance = [&](std::uint32_t limit) {
    return std::abs(std::log(static_cast<double>(limit) / middle));
  };
  for (const auto limit : limits) {
    if (limit <= gap.below || limit > gap.above) continue;
    if (!best || distance(limit) < distance(*best)) best = limit;
  }
  return best;
}

// Where spammers and honest ones overlap: the limit with the fewest on the wrong side, false alarms
// weighing more.
std::uint32_t least_bad(const std::vector<Side>& sides, const std::vector<std::uint32_t>& limits) {
  std::uint32_t best = limits.back();
  std::size_t least = SIZE_MAX;
  for (const auto limit : limits) {
    std::size_t wrong = 0;
    for (const auto& side : sides) {
      if (side.spammer && side.peak < limit) wrong += 1;
      if (side.honest && side.peak >= limit) wrong += 2;
    }
    if (wrong < least) {
      least = wrong;
      best = limit;
    }
  }
  return best;
}

void count_sides(const std::vector<Side>& sides, Advice& advice) {
  double low = 0, high = INFINITY;
  advice.below = 0;
  advice.above = UINT32_MAX;
  for (const auto& side : sides) {
    const bool blocked = side.peak >= advice.limit;
    if (blocked) {
      ++advice.blocked;
      advice.above = std::min(advice.above, side.peak);
      high = std::min(high, side.rate);
      if (side.honest) ++advice.false_alarms;
    } else {
      advice.below = std::max(advice.below, side.peak);
      low = std::max(low, side.rate);
      if (side.spammer) ++advice.missed;
    }
  }
  if (advice.blocked == 0 || high <= 0 || high <= std::floor(low) + 1) return;
  const double middle = std::round(std::sqrt(std::max(1.0, low) * high));
  advice.ratelimit =
      static_cast<std::uint32_t>(std::min(std::floor(high), std::max(std::floor(low) + 1, middle)));
}

}  // namespace

std::optional<Advice> advise(const Peaks& peaks, const Labels& labels,
                             const std::vector<std::uint32_t>& preferred) {
  std::optional<Advice> best;
  double best_width = 0;
  for (std::size_t period = 0; period < peaks.grid().periods.size(); ++period) {
    const auto sides = sides_of(peaks, labels, period);
    const auto gap = labels.given() ? labelled_gap(sides) : widest_gap(sides);
    if (!gap) continue;
    Advice advice;
    advice.period = period;
    double wide = 0;
    if (gap->above > 0) {
      if (gap->width() < kTooNarrow) continue;
      auto limit = limit_in(*gap, preferred);
      if (!limit) limit = limit_in(*gap, peaks.grid().limits);
      if (!limit) continue;
      advice.limit = *limit;
      wide = gap->width();
    } else {
      advice.limit = least_bad(sides, peaks.grid().limits);
    }
    count_sides(sides, advice);
    // No gap at all is worse than any; among those, fewer mistakes are better.
    if (gap->above == 0) {
      wide = -static_cast<double>(2 * advice.false_alarms + advice.missed);
    }
    if (!best || wide > best_width || (wide == best_width && advice.blocked > best->blocked)) {
      best = advice;
      best_width = wide;
    }
  }
  return best;
}

std::string rule_snippet(const Rule& rule, const Advice& advice, std::chrono::seconds period) {
  Rule advised = rule;
  advised.limit = advice.limit;
  advised.period = period;
  return rule_text(advised);
}

}  // namespace agent
