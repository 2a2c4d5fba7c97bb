#include "agent/tune/tune_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/core/attribution.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using Align = TextTable::Align;

std::string label_of(const std::string& key, const Labels& labels) {
  if (labels.spammers.count(key) > 0) return "spammer";
  return labels.honest.count(key) > 0 ? "honest" : "";
}

std::string count_text(std::uint32_t count, std::uint32_t ceiling) {
  return grouped(count) + (count >= ceiling ? " or more" : "");
}

std::size_t with_events(const Peaks& peaks) {
  return static_cast<std::size_t>(
      std::count_if(peaks.subjects().begin(), peaks.subjects().end(),
                    [](const auto& entry) { return entry.second.events > 0; }));
}

std::string cells(const Tuning& tuning, const Labels& labels, bool judged) {
  const auto& grid = tuning.peaks->grid();
  std::vector<TextTable::Column> columns{{"period", Align::left}};
  for (const auto limit : tuning.limits) {
    columns.push_back({std::to_string(grid.limits[limit]), Align::right});
  }
  TextTable table(std::move(columns), 2);
  for (std::size_t period = 0; period < grid.periods.size(); ++period) {
    std::vector<std::string> row{duration_text(grid.periods[period])};
    for (const auto limit : tuning.limits) {
      const auto blocked = blocked_by(*tuning.peaks, limit, period, labels);
      if (!judged) {
        row.push_back(std::to_string(blocked.size()));
        continue;
      }
      const auto verdict = judge(blocked, labels);
      row.push_back(fmt::format("{}/{}", verdict.hits, verdict.false_alarms));
    }
    table.row(std::move(row));
  }
  return table.text();
}

std::string chart(const Tuning& tuning, std::size_t period, std::uint32_t limit) {
  const auto buckets = peak_buckets(*tuning.peaks, period);
  std::uint64_t most = 0;
  for (const auto& bucket : buckets) most = std::max(most, bucket.identities);
  std::string out;
  bool ruled = false;
  for (const auto& bucket : buckets) {
    if (!ruled && bucket.high >= limit && limit > 0) {
      out += fmt::format("  {:>11}  -- limit {} --\n", "", grouped(limit));
      ruled = true;
    }
    const auto range = bucket.low == bucket.high ? grouped(bucket.low)
                       : bucket.high == UINT32_MAX
                           ? grouped(bucket.low) + "+"
                           : fmt::format("{}-{}", grouped(bucket.low), grouped(bucket.high));
    const auto length = bar(bucket.identities, most, 48);
    out += fmt::format("  {:>11}  {}{}{}\n", range, grouped(bucket.identities),
                       length.empty() ? "" : " ", length);
  }
  return out;
}

}  // namespace

std::vector<Blocked> blocked_by(const Peaks& peaks, std::size_t limit, std::size_t period,
                                const Labels& labels) {
  std::vector<Blocked> found;
  for (const auto& [key, subject] : peaks.subjects()) {
    if (limit >= subject.hits[period].size()) continue;
    const auto& hit = subject.hits[period][limit];
    found.push_back({subject.names[hit.spelling], &hit, &subject, label_of(key, labels)});
  }
  std::sort(found.begin(), found.end(), [](const Blocked& a, const Blocked& b) {
    return a.hit->time != b.hit->time ? a.hit->time < b.hit->time : a.identity < b.identity;
  });
  return found;
}

std::vector<Blocked> blocked_by_advice(const Tuning& tuning, const Labels& labels) {
  const auto& peaks = *tuning.peaks;
  const auto& advice = *tuning.advice;
  const auto& limits = peaks.grid().limits;
  const auto at = static_cast<std::size_t>(
      std::lower_bound(limits.begin(), limits.end(), advice.limit) - limits.begin());
  auto blocked = blocked_by(peaks, at, advice.period, labels);
  std::erase_if(blocked, [&](const Blocked& one) {
    return std::find(advice.exempt.begin(), advice.exempt.end(), one.subject->names.front()) !=
           advice.exempt.end();
  });
  return blocked;
}

Verdict judge(const std::vector<Blocked>& blocked, const Labels& labels) {
  Verdict verdict;
  for (const auto& one : blocked) {
    verdict.hits += one.label == "spammer" ? 1 : 0;
    verdict.false_alarms +=
        labels.honest.empty() ? (one.label == "spammer" ? 0 : 1) : (one.label == "honest" ? 1 : 0);
  }
  verdict.misses = labels.spammers.size() - verdict.hits;
  return verdict;
}

std::vector<Blocked> nearest_below(const Peaks& peaks, std::uint32_t limit, std::size_t period,
                                   const Labels& labels, std::size_t most) {
  std::vector<Blocked> found;
  for (const auto& [key, subject] : peaks.subjects()) {
    if (subject.events == 0 || subject.own_limit || subject.peaks[period] >= limit) continue;
    found.push_back({subject.names[0], nullptr, &subject, label_of(key, labels)});
  }
  std::sort(found.begin(), found.end(), [&](const Blocked& a, const Blocked& b) {
    const auto x = a.subject->peaks[period], y = b.subject->peaks[period];
    return x != y ? x > y : a.identity < b.identity;
  });
  found.resize(std::min(found.size(), most));
  return found;
}

std::vector<PeakBucket> peak_buckets(const Peaks& peaks, std::size_t period) {
  std::vector<PeakBucket> buckets{{1, 1, 0}, {2, 2, 0}, {3, 4, 0}, {5, 9, 0}};
  for (std::uint32_t low = 10; low < peaks.ceiling(); low *= 10) {
    for (const auto factor : {1U, 2U, 5U}) {
      const auto next = factor == 1 ? 2U : factor == 2 ? 5U : 10U;
      if (low * factor < peaks.ceiling()) buckets.push_back({low * factor, low * next - 1, 0});
    }
  }
  buckets.push_back({peaks.ceiling(), UINT32_MAX, 0});
  buckets[buckets.size() - 2].high = peaks.ceiling() - 1;
  for (const auto& [key, subject] : peaks.subjects()) {
    if (subject.events == 0) continue;
    const auto peak = subject.peaks[period];
    const auto bucket = std::find_if(buckets.begin(), buckets.end(),
                                     [&](const PeakBucket& one) { return peak <= one.high; });
    ++bucket->identities;
  }
  while (buckets.size() > 1 && buckets.back().identities == 0) buckets.pop_back();
  return buckets;
}

std::string left_out_text(const Tuning& tuning) {
  const auto& rule = tuning.peaks->rule();
  std::string text;
  if (!rule.block_for.empty()) {
    std::string terms;
    for (const auto& term : rule.block_for)
      terms +=
          (terms.empty() ? "" : ", then ") + (term == kForever ? "forever" : duration_text(term));
    text = fmt::format(
        "Left out: block_for ({}). Shown is each identity's first block, as if it had no end; what "
        "is counted after it may in part go out once it has.",
        terms);
  }
  if (tuning.shares_list) {
    text +=
        (text.empty() ? "" : " ") +
        std::string(
            "Left out: the other rules of the same list. A sender that one of them has blocked is "
            "not decided on again.");
  }
  return text;
}

std::string span_text(const std::optional<LogSpan>& span, const Grid& grid, const Zone& zone) {
  if (!span) return "No line with a time lies in the part that is asked for.";
  const auto length = duration_text(span->length());
  auto text = fmt::format("Logs from {} to {} ({})", zone.short_text(span->from),
                          zone.short_text(span->to), length);
  std::vector<std::string> longer;
  for (const auto period : grid.periods) {
    if (period > span->length()) longer.push_back(duration_text(period));
  }
  if (longer.size() == 1)
    text += fmt::format(": {} is longer than that, and may hold more than is seen here", longer[0]);
  if (longer.size() > 1)
    text += fmt::format(": too short to tell {} apart", fmt::join(longer, ", "));
  return text + ".";
}

std::string confidence_text(const Tuning& tuning, const Labels& labels) {
  constexpr std::chrono::hours kWeek{7 * 24};
  constexpr std::size_t kFew = 20;
  constexpr double kNarrow = 3;
  const auto& advice = *tuning.advice;
  const auto known = with_events(*tuning.peaks);
  const auto factor = advice.above / static_cast<double>(std::max(1U, advice.below));
  const auto gap = fmt::format("a gap of x{:.{}f}", factor, factor < 10 ? 1 : 0);
  const auto span = tuning.span ? duration_text(tuning.span->length()) + " of logs"
                                : std::string("logs without times");
  std::vector<std::string> doubts;
  if (!tuning.span || tuning.span->length() < kWeek) doubts.push_back(span + ", not a week");
  if (known < kFew) doubts.push_back(counted(known, "sender") + " only");
  if (factor < kNarrow) doubts.push_back(gap + " only");
  if (!labels.given() && advice.blocked == 1)
    doubts.emplace_back("one sender alone above the gap, which may be a newsletter (see --honest)");
  if (doubts.empty()) {
    return fmt::format("Confidence: good: {}, {}, {}.", span, counted(known, "sender"), gap);
  }
  return fmt::format("Confidence: weak: {}.", fmt::join(doubts, "; "));
}

std::string no_advice_text(const Labels& labels) {
  if (labels.given() && labels.spammers.empty())
    return "No suggestion: nobody has more than the honest ones, by enough to tell them apart.";
  return labels.given()
             ? "No suggestion: no limit has the labelled spammers above it and the honest below, "
               "whoever is exempt."
             : "No suggestion: too few senders, or none with twice as much as those below.";
}

std::string reason_text(const Tuning& tuning, const Labels& labels) {
  const auto& advice = *tuning.advice;
  const auto& peaks = *tuning.peaks;
  const auto left = with_events(peaks) - advice.blocked - advice.exempt.size();
  const auto period = duration_text(peaks.grid().periods[advice.period]);
  auto text = fmt::format(
      "Of the {} left alone the highest had {} in {}; of the {} blocked the lowest had {}.",
      grouped(left), grouped(advice.below), period, grouped(advice.blocked),
      count_text(advice.above, peaks.ceiling()));
  if (advice.exempt.empty()) return text + " This is the widest gap of the periods asked for.";
  return fmt::format(
      "No limit separates spammers from {}: {} had as much as a spammer. With {} exempt: {}",
      labels.honest.empty() ? "all others" : "honest senders",
      counted(advice.exempt.size(), labels.honest.empty() ? "other" : "honest one"),
      advice.exempt.size() == 1 ? "it" : "them", text);
}

std::string ratelimit_text(const Tuning& tuning) {
  const auto& peaks = *tuning.peaks;
  // Exim has nothing like it for other evidence.
  if (!tuning.advice || !tuning.advice->ratelimit || !counts_refusals(peaks.rule())) return "";
  const bool distinct = peaks.rule().count == CountBy::recipients;
  return fmt::format("ratelimit = {} / {} / strict / {} / {}", *tuning.advice->ratelimit,
                     duration_text(peaks.grid().periods[tuning.advice->period]),
                     distinct ? "per_addr" : "per_rcpt",
                     peaks.rule().identity == IdentityKind::user    ? "$authenticated_id"
                     : peaks.rule().identity == IdentityKind::relay ? "$sender_host_address"
                                                                    : "$sender_ident");
}

std::string tuning_text(const Tuning& tuning, const Labels& labels, const Zone& zone) {
  const auto& peaks = *tuning.peaks;
  const auto& rule = peaks.rule();
  const auto known = with_events(peaks);
  std::string out = fmt::format(
      "Rule {} ({}, counts {})\n", printable(rule.name), name_of(rule.identity),
      counts_refusals(rule) || rule.count == CountBy::attempts ? std::string(name_of(rule.count))
                                                               : counted_noun(rule, 2));
  if (known == 0) return out + "  these logs hold nothing that this rule counts\n";
  out += fmt::format(
      "  {} {} {}\n\n", grouped(known), known == 1 ? "identity" : "identities",
      counts_refusals(rule) ? "tried recipients that do not exist" : "did what this rule counts");
  if (rule.min_share > 0)
    out += fmt::format("  Counted without its min_share of {}%: it decides on fewer.\n\n",
                       rule.min_share);
  out += "Identities that a limit would block, by period:\n" + cells(tuning, labels, false);
  if (labels.given()) {
    out += "\nOf them spammers/others, by the labels given:\n" + cells(tuning, labels, true);
  }
  if (const auto left_out = left_out_text(tuning); !left_out.empty())
    out += "\n" + wrapped(left_out, 2);
  if (!tuning.advice) return out + "\n" + no_advice_text(labels) + "\n";

  const auto& advice = *tuning.advice;
  const auto period = peaks.grid().periods[advice.period];
  out += fmt::format("\nSuggested: limit {} in {}\n", grouped(advice.limit), duration_text(period));
  out += wrapped(confidence_text(tuning, labels), 2);
  out += wrapped(reason_text(tuning, labels), 2);

  const auto blocked = blocked_by_advice(tuning, labels);
  TextTable table({{"blocked by it", Align::left},
                   {"at", Align::left},
                   {"refused", Align::right},
                   {"sent before", Align::right},
                   {"after", Align::right}},
                  2);
  constexpr std::size_t kShown = 30;
  for (std::size_t i = 0; i < std::min(kShown, blocked.size()); ++i) {
    const auto& one = blocked[i];
    table.row({printable(one.identity) + (one.label.empty() ? "" : " (" + one.label + ")"),
               zone.short_text(one.hit->time), grouped(one.subject->events),
               grouped(one.hit->messages), grouped(one.subject->messages - one.hit->messages)});
  }
  if (!blocked.empty()) out += "\n" + table.text();
  if (blocked.size() > kShown) {
    out += fmt::format("  and {} more\n", grouped(blocked.size() - kShown));
  }
  if (!blocked.empty()) {
    out += wrapped(
        "refused: recipients in all; sent: messages accepted before and after that moment", 2);
  }

  TextTable near({{"left alone, nearest first", Align::left},
                  {fmt::format("most in {}", duration_text(period)), Align::right},
                  {"refused", Align::right}},
                 2);
  for (const auto& one : nearest_below(peaks, advice.limit, advice.period, labels, 5)) {
    near.row({printable(one.identity) + (one.label.empty() ? "" : " (" + one.label + ")"),
              grouped(one.subject->peaks[advice.period]), grouped(one.subject->events)});
  }
  if (!near.empty()) out += "\n" + near.text();

  out += fmt::format("\nIdentities by their most in {}:\n", duration_text(period));
  out += chart(tuning, advice.period, advice.limit);

  if (const auto own = ratelimit_text(tuning); !own.empty()) {
    out += "\nThe same with Exim's ratelimit (not needed with exiwarden):\n  " + own + "\n";
  }
  out += "\nFor the configuration:\n" + rule_snippet(rule, advice, period, tuning.state_directory);
  if (const auto exempt = exempt_snippet(rule, advice); !exempt.empty())
    out += "\nAnd to its [exempt], if they are to be let through:\n" + exempt;
  return out;
}

}  // namespace agent
