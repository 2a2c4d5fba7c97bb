#include "agent/tune/advice.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "agent/config/config_dump.h"

namespace agent {
namespace {

// A gap this wide is wide enough: beyond it the lower limit is the better one.
constexpr double kWideEnough = 10;
constexpr double kTooNarrow = 1.2;
// Without labels, counts that are nearer to each other are of one kind.
constexpr double kAlike = 2;
constexpr std::size_t kMaxExempt = 20;

struct Side {
  std::uint32_t peak = 0;
  double rate = 0;
  const std::string* name = nullptr;
  bool spammer = false, honest = false;
};

std::vector<Side> sides_of(const Peaks& peaks, const Labels& labels, std::size_t period) {
  std::vector<Side> sides;
  for (const auto& [key, subject] : peaks.subjects()) {
    if (subject.events == 0 || subject.own_limit) continue;
    Side side;
    side.peak = subject.peaks[period];
    side.name = &subject.names.front();
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

// Between what is known to be honest and what is known to be spam; `above` is no higher than
// `below` where they overlap.
std::optional<Gap> labelled_gap(const std::vector<Side>& sides) {
  Gap gap;
  bool any_spammer = false;
  for (const auto& side : sides) {
    if (side.honest) gap.below = std::max(gap.below, side.peak);
    if (side.spammer && !any_spammer) gap.above = side.peak;
    any_spammer = any_spammer || side.spammer;
  }
  if (!any_spammer) {
    if (sides.empty() || sides.back().peak <= gap.below) return std::nullopt;
    gap.above = sides.back().peak;
  }
  return gap;
}

// The widest gap inside: of the unlabelled that lie in it, most are honest.
Gap inside(const Gap& gap, const std::vector<Side>& sides) {
  std::optional<Gap> best;
  for (std::size_t i = (sides.size() + 1) / 2; i > 0 && i < sides.size(); ++i) {
    const Gap part{sides[i - 1].peak, sides[i].peak};
    if (part.below < gap.below || part.above > gap.above || part.width() < kTooNarrow) continue;
    if (!best || part.width() > best->width()) best = part;
  }
  return best.value_or(gap);
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

// The honest identities that have as much as some spammer, or hardly less; the rest stays in
// `sides`.
std::vector<std::string> set_aside(std::vector<Side>& sides) {
  auto lowest = UINT32_MAX;
  for (const auto& side : sides) {
    if (side.spammer) lowest = std::min(lowest, side.peak);
  }
  std::vector<std::string> names;
  std::erase_if(sides, [&](const Side& side) {
    if (!side.honest || side.peak * kTooNarrow <= lowest) return false;
    names.push_back(*side.name);
    return true;
  });
  std::sort(names.begin(), names.end());
  return names;
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

// Which of the periods longer than the logs stands for all of them.
std::size_t index_of_long(const Peaks& peaks, std::chrono::seconds span) {
  const auto& periods = peaks.grid().periods;
  const auto own = std::find(periods.begin(), periods.end(), peaks.rule().period);
  const auto first = std::upper_bound(periods.begin(), periods.end(), span);
  const bool own_is_long = own != periods.end() && *own > span;
  return static_cast<std::size_t>((own_is_long ? own : first) - periods.begin());
}

struct Candidate {
  Advice advice;
  double width = 0;  // of its gap
};

// The advice of one period; nullopt: none, or with more to be exempt than is any use.
std::optional<Candidate> advise_for(const Peaks& peaks, const Labels& labels,
                                    const std::vector<std::uint32_t>& preferred,
                                    std::size_t period) {
  auto sides = sides_of(peaks, labels, period);
  const auto gap_between = [&] { return labels.given() ? labelled_gap(sides) : widest_gap(sides); };
  auto gap = gap_between();
  Advice advice;
  advice.period = period;
  if (labels.given() && gap && gap->width() < kTooNarrow) {
    advice.exempt = set_aside(sides);
    if (advice.exempt.size() > kMaxExempt) return std::nullopt;
    gap = gap_between();
  }
  if (!gap || gap->width() < (labels.given() ? kTooNarrow : kAlike)) return std::nullopt;
  if (labels.given()) gap = inside(*gap, sides);
  auto limit = limit_in(*gap, preferred);
  if (!limit) limit = limit_in(*gap, peaks.grid().limits);
  if (!limit) return std::nullopt;
  advice.limit = *limit;
  count_sides(sides, advice);
  const bool sound = advice.blocked > 0 && advice.missed == 0 && advice.false_alarms == 0;
  return sound ? std::optional(Candidate{std::move(advice), gap->width()}) : std::nullopt;
}

}  // namespace

std::optional<Advice> advise(const Peaks& peaks, const Labels& labels,
                             const std::vector<std::uint32_t>& preferred,
                             std::optional<std::chrono::seconds> span) {
  const auto& periods = peaks.grid().periods;
  std::optional<Candidate> best;
  const auto better = [&](const Candidate& one) {
    if (!best) return true;
    const auto exempt = one.advice.exempt.size(), least = best->advice.exempt.size();
    if (exempt != least) return exempt < least;
    return one.width > best->width ||
           (one.width == best->width && one.advice.blocked > best->advice.blocked);
  };
  for (std::size_t period = 0; period < periods.size(); ++period) {
    if (span && periods[period] > *span && period != index_of_long(peaks, *span)) continue;
    auto one = advise_for(peaks, labels, preferred, period);
    if (one && better(*one)) best = std::move(one);
  }
  return best ? std::optional(std::move(best->advice)) : std::nullopt;
}

std::string rule_snippet(const Rule& rule, const Advice& advice, std::chrono::seconds period,
                         const std::string& state_directory) {
  Rule advised = rule;
  advised.limit = advice.limit;
  advised.period = period;
  return short_rule_text(advised, state_directory);
}

std::string exempt_snippet(const Rule& rule, const Advice& advice) {
  if (advice.exempt.empty()) return "";
  std::string names;
  for (const auto& name : advice.exempt) names += (names.empty() ? "" : ", ") + toml_string(name);
  return fmt::format("[exempt]\n{} = [{}]\n",
                     rule.identity == IdentityKind::relay ? "hosts" : "users", names);
}

}  // namespace agent
