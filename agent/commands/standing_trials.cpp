#include "agent/commands/standing_trials.h"

#include <algorithm>

#include "actions/posix_files.h"
#include "agent/core/list_lines.h"
#include "agent/report/trial_entries.h"

namespace agent {
namespace {

constexpr std::size_t kMaxState = std::size_t{1} << 30;

// The newer generation that is whole; nullopt: there is none.
actions::Result<std::optional<Checkpoint>> saved_state(const std::string& directory) {
  actions::PosixFiles files;
  for (const char* name : {"/checkpoint", "/checkpoint.previous"}) {
    const auto content = files.read(directory + name, kMaxState);
    if (!content) {
      if (content.error().code == actions::Errc::not_found) continue;
      return content.error();
    }
    if (auto decoded = decode_checkpoint(content.value().bytes))
      return std::optional(std::move(decoded).value());
  }
  return std::optional<Checkpoint>();
}

}  // namespace

bool is_on_trial(const Config& config, const std::string& rule) {
  return std::any_of(config.rules.begin(), config.rules.end(), [&](const Rule& known) {
    return known.name == rule && known.mode == RuleMode::trial;
  });
}

actions::Result<std::vector<StandingTrial>> standing_trials(
    const Config& config, const std::optional<std::string>& rule) {
  std::vector<StandingTrial> trials;
  for (const auto& one : config.rules) {
    if (one.mode != RuleMode::trial || (rule && *rule != one.name)) continue;
    trials.push_back({{"", one.identity, 128, {one.name}, nullptr}, {}});
  }
  if (trials.empty()) return trials;
  const auto saved = saved_state(config.state.directory);
  if (!saved) return saved.error();
  if (!saved.value()) return trials;
  const auto zone = Zone::named(config.log.timezone).value_or(Zone::utc());
  for (const auto& entry : trial_entries(*saved.value(), config)) {
    for (auto& [list, entries] : trials) {
      if (list.rules.front() == entry.rule)
        entries.push_back({entry.identity, list_data(entry, zone)});
    }
  }
  return trials;
}

}  // namespace agent
