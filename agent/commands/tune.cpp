// tune: which limit over which period would have blocked whom, in one pass over the logs.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <string>
#include <vector>

#include "agent/attribution.h"
#include "agent/commands/command.h"
#include "agent/commands/reading.h"
#include "agent/printable.h"
#include "agent/tune/labels.h"
#include "agent/tune/peaks.h"
#include "agent/tune/tune_text.h"

namespace agent {
namespace {

constexpr const char* kLimits = "10,20,50,100,200,500";
constexpr const char* kPeriods = "10m,1h,1d";
constexpr std::uint32_t kMaxLimit = 1'000'000;
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

std::optional<std::uint32_t> limit_of(const std::string& word) {
  if (word.empty() || word.size() > 7 ||
      !std::all_of(word.begin(), word.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  const auto value = static_cast<std::uint32_t>(std::stoul(word));
  return value >= 1 && value <= kMaxLimit ? std::optional(value) : std::nullopt;
}

template <class T>
void sort_once(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// What is asked for: --limits and --periods, or what is wrong with them.
std::variant<Grid, std::string> asked_grid(const Invocation& invocation) {
  const auto text = [&](const char* name, const char* otherwise) {
    return invocation.options.count(name) > 0 ? invocation.options[name].as<std::string>()
                                              : std::string(otherwise);
  };
  Grid grid;
  for (const auto& word : words_of(text("limits", kLimits))) {
    const auto limit = limit_of(word);
    if (!limit) {
      return fmt::format("--limits: \"{}\" is no limit; accepted: whole numbers from 1 to {}",
                         printable(word), kMaxLimit);
    }
    grid.limits.push_back(*limit);
  }
  for (const auto& word : words_of(text("periods", kPeriods))) {
    const auto period = parse_duration(word);
    if (!period || period->count() < 1 || *period > std::chrono::days(366)) {
      return fmt::format("--periods: \"{}\" is no period; accepted: 1s to 366d, like 10m or 1h30m",
                         printable(word));
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
      fmt::print(stderr, "exiwarden: --{}: {}\n", name, printable(read.error().what));
      return false;
    }
    out = std::move(read.value());
    return true;
  };
  return take("spammers", labels.spammers) && take("honest", labels.honest);
}

void print_cells(const Tuning& tuning, const Labels& labels, Output output, bool& header) {
  const auto& peaks = *tuning.peaks;
  for (std::size_t period = 0; period < peaks.grid().periods.size(); ++period) {
    for (const auto limit : tuning.limits) {
      const auto identities = peaks.blocked(limit, period);
      Record record;
      record.add("rule", peaks.rule().name)
          .add("period", static_cast<std::uint64_t>(peaks.grid().periods[period].count()))
          .add("limit", peaks.grid().limits[limit])
          .add("blocked", identities.size())
          .add("identities", identities);
      if (labels.given()) {
        std::uint64_t hits = 0, honest = 0;
        for (const auto& one : identities) {
          hits += labels.spammers.count(folded(one));
          honest += labels.honest.count(folded(one));
        }
        record.add("hits", hits)
            .add("misses", labels.spammers.size() - hits)
            .add("false_alarms", labels.honest.empty() ? identities.size() - hits : honest);
      }
      if (header) fmt::print("{}\n", record.csv_header());
      header = false;
      fmt::print("{}\n", output == Output::csv ? record.csv() : record.json());
    }
  }
}

}  // namespace

Exit run_tune(const Invocation& invocation) {
  auto asked = asked_grid(invocation);
  if (const auto* problem = std::get_if<std::string>(&asked)) {
    fmt::print(stderr, "exiwarden: {}\n", *problem);
    return kUsage;
  }
  Labels labels;
  if (!read_labels(invocation, labels)) return kNoInput;
  auto planned = read_plan(invocation);
  if (const auto* exit = std::get_if<Exit>(&planned)) return *exit;
  auto& plan = std::get<ReadPlan>(planned);
  const Zone zone = plan.options.zone;

  const auto wanted = std::get<Grid>(asked).limits;
  auto grid = std::get<Grid>(asked);
  const bool full = invocation.output == Output::text;
  if (full) {
    grid.limits.insert(grid.limits.end(), std::begin(kSteps), std::end(kSteps));
    sort_once(grid.limits);
  }
  std::vector<Peaks> peaks;
  for (const auto& rule : plan.config.rules) {
    const int prefix = rule.ipv6_prefix != 0 ? rule.ipv6_prefix : plan.config.relay.ipv6_prefix;
    peaks.emplace_back(rule, prefix, grid, full);
  }
  if (full) plan.options.submissions = true;
  Attribution attribution(plan.config, plan.options.own);

  const auto prepare = [&](Pipeline& pipeline) {
    pipeline.divert([&](const Occurrence& occurrence) {
      for (auto& one : peaks) one.add(occurrence);
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
  const auto exit = read_logs(invocation, plan, false, {prepare});
  if (exit == kUsage) return exit;

  bool header = invocation.output == Output::csv;
  bool first = true;
  for (const auto& one : peaks) {
    Tuning tuning;
    tuning.peaks = &one;
    for (const auto limit : wanted) {
      tuning.limits.push_back(static_cast<std::size_t>(
          std::lower_bound(grid.limits.begin(), grid.limits.end(), limit) - grid.limits.begin()));
    }
    if (!full) {
      print_cells(tuning, labels, invocation.output, header);
      continue;
    }
    tuning.advice = advise(one, labels, wanted);
    fmt::print("{}{}", first ? "" : "\n", tuning_text(tuning, labels, zone));
    first = false;
  }
  return exit;
}

}  // namespace agent
