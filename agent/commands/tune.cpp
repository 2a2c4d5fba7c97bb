// tune: what each limit over each period would have blocked, in one pass over the logs.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/commands/report_files.h"
#include "agent/commands/trial_rule.h"
#include "agent/core/attribution.h"
#include "agent/output/complain.h"
#include "agent/output/text_table.h"
#include "agent/tune/labels.h"
#include "agent/tune/peaks.h"
#include "agent/tune/tune_page.h"
#include "agent/tune/tune_text.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr const char* kLimits = "10,20,50,100,200,500";
constexpr const char* kPeriods = "10m,1h,1d";
// Besides those asked for, so that a suggestion can fall into any gap.
constexpr std::uint32_t kSteps[] = {2,   3,   4,   5,   6,   7,   8,   9,   10,  12,  15,
                                    18,  20,  25,  30,  40,  50,  60,  75,  90,  100, 125,
                                    150, 200, 250, 300, 400, 500, 600, 750, 1000};

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

template <class T>
void sort_once(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// What is asked for: --limits and --periods, or what is wrong with them.
actions::Result<Grid, std::string> asked_grid(const Invocation& invocation) {
  const auto text = [&](const char* name, const char* otherwise) {
    return invocation.options.count(name) > 0 ? invocation.options[name].as<std::string>()
                                              : std::string(otherwise);
  };
  Grid grid;
  for (const auto& word : words_of(text("limits", kLimits))) {
    const auto limit = limit_of(word);
    if (!limit) {
      return fmt::format("--limits: \"{}\" is no limit; accepted: whole numbers from 1 to {}", word,
                         kMaxLimit);
    }
    grid.limits.push_back(*limit);
  }
  for (const auto& word : words_of(text("periods", kPeriods))) {
    const auto period = period_of(word);
    if (!period) {
      return fmt::format("--periods: \"{}\" is no period; accepted: 1s to 366d, like 10m or 1h30m",
                         word);
    }
    grid.periods.push_back(*period);
  }
  sort_once(grid.limits);
  sort_once(grid.periods);
  return grid;
}

bool read_labels(const Invocation& invocation, Labels& labels) {
  const auto take = [&](const char* name, std::unordered_set<std::string>& out) {
    if (invocation.options.count(name) == 0) return true;
    auto read = read_identities(invocation.options[name].as<std::string>());
    if (!read) {
      complain(fmt::format("--{}: {}", name, read.error().what));
      return false;
    }
    out = std::move(read.value());
    return true;
  };
  return take("spammers", labels.spammers) && take("honest", labels.honest);
}

void print_cells(const Tuning& tuning, const Labels& labels, const Zone& zone, bool summary,
                 Output output, bool& header) {
  const auto& peaks = *tuning.peaks;
  for (std::size_t period = 0; period < peaks.grid().periods.size(); ++period) {
    for (const auto limit : tuning.limits) {
      auto blocked = blocked_by(peaks, limit, period, labels);
      std::sort(blocked.begin(), blocked.end(),
                [](const Blocked& a, const Blocked& b) { return a.identity < b.identity; });
      std::vector<std::string> identities, times;
      std::uint64_t before = 0, after = 0;
      for (const auto& one : blocked) {
        identities.push_back(one.identity);
        times.push_back(zone.text(one.hit->time));
        before += one.hit->messages;
        after += one.subject->messages - one.hit->messages;
      }
      OutputRow record;
      record.add("rule", peaks.rule().name)
          .add("period", static_cast<std::uint64_t>(peaks.grid().periods[period].count()))
          .add("limit", peaks.grid().limits[limit])
          .add("blocked", identities.size())
          .add("identities", identities);
      if (summary) {
        record.add("times", times).add("messages_before", before).add("messages_after", after);
      }
      if (labels.given()) {
        const auto verdict = judge(blocked, labels);
        record.add("hits", verdict.hits)
            .add("misses", verdict.misses)
            .add("false_alarms", verdict.false_alarms);
      }
      if (header) fmt::print("{}\n", record.csv_header());
      header = false;
      fmt::print("{}\n", output == Output::csv ? record.csv() : record.json());
    }
  }
}

std::optional<LogSpan> span_of(const LogMerge::Extent& extent, const Selection& asked) {
  if (!extent.first || !extent.last) return std::nullopt;
  const LogSpan span{std::max(*extent.first, asked.since.value_or(*extent.first)),
                     std::min(*extent.last, asked.until.value_or(*extent.last))};
  return span.from <= span.to ? std::optional(span) : std::nullopt;
}

}  // namespace

Exit run_tune(const Invocation& invocation) {
  auto asked = asked_grid(invocation);
  if (!asked) {
    complain(asked.error());
    return kUsage;
  }
  Labels labels;
  if (!read_labels(invocation, labels)) return kNoInput;
  auto planned = read_plan(invocation);
  if (!planned) return planned.error();
  auto& plan = planned.value();
  const Zone zone = plan.options.zone;

  const auto wanted = asked->limits;
  auto grid = asked.value();
  const bool text = invocation.output == Output::text;
  const bool summary = invocation.options.count("summary") > 0;
  const bool page = invocation.options.count("html") > 0;
  const bool advised = text || page;  // else limits beside those asked for are of no use
  const bool full = advised || summary;
  if (advised) {
    grid.limits.insert(grid.limits.end(), std::begin(kSteps), std::end(kSteps));
    sort_once(grid.limits);
  }
  std::vector<Peaks> peaks;
  for (const auto& rule : plan.config.rules) {
    const int prefix = prefix_of(rule, plan.config.relay);
    peaks.emplace_back(rule, prefix, grid, advised);
  }
  if (full) plan.options.submissions = true;
  Attribution attribution(plan.config, plan.options.own, plan.options.tables);

  const auto prepare = [&](Pipeline& pipeline) {
    pipeline.divert([&](const Occurrence& occurrence, bool selected) {
      for (auto& one : peaks) one.add(occurrence, selected);
    });
    if (!full) return;
    pipeline.on_arrival(
        [&](Instant time, const std::string&, std::string_view, const parsers::Arrival& arrival) {
          if (!plan.selection.holds(time)) return;
          const auto charge = attribution.charge(arrival);
          const auto kind = identity_of(charge.verdict);
          if (!kind) return;
          for (auto& one : peaks) one.accepted(*kind, charge.identity);
        });
  };
  const auto read = read_logs(invocation, plan, false, {prepare});
  const auto exit = read.exit;
  if (exit == kUsage) return exit;
  if (read.nothing) {
    if (text) fmt::print("{}", kNoVerdict);
    return exit;
  }

  const auto span = span_of(read.extent, plan.selection);
  std::vector<Tuning> rules;
  for (const auto& one : peaks) {
    auto& tuning = rules.emplace_back();
    tuning.peaks = &one;
    tuning.shares_list =
        std::count_if(peaks.begin(), peaks.end(), [&](const Peaks& other) {
          return RuleTable::place_of(other.rule()) == RuleTable::place_of(one.rule());
        }) > 1;
    for (const auto limit : wanted) {
      tuning.limits.push_back(static_cast<std::size_t>(
          std::lower_bound(grid.limits.begin(), grid.limits.end(), limit) - grid.limits.begin()));
    }
    tuning.state_directory = plan.config.state.directory;
    tuning.span = span;
    if (advised)
      tuning.advice =
          advise(one, labels, wanted, span ? std::optional(span->length()) : std::nullopt);
  }
  bool header = invocation.output == Output::csv;
  if (text) fmt::print("{}\n", wrapped(span_text(span, grid, zone), 0));
  for (const auto& tuning : rules) {
    if (!text) {
      print_cells(tuning, labels, zone, summary, invocation.output, header);
    } else {
      fmt::print("{}{}", &tuning == &rules.front() ? "" : "\n", tuning_text(tuning, labels, zone));
    }
  }
  if (page) {
    TunePageContext context{&zone, &labels, selection_text(invocation, plan), "", exit != kDone};
    const auto written = write_page(
        invocation.options["html"].as<std::string>(),
        [&](const std::string& csv) {
          context.csv = csv;
          return tune_page(rules, context);
        },
        [&] { return tune_csv(rules, context); });
    if (written != kDone) return written;
  }
  say_coverage(read);
  return exit;
}

}  // namespace agent
