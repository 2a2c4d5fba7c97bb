// Any text as a config: a Config or problems, each with a name and words; never both, never
// neither.
#include "agent/core/config.h"

#include "agent/config/config_dump.h"
#include "agent/config/config_file.h"
#include "agent/values/duration.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto result = agent::parse_config(fuzz::text(data, size), "fuzz.toml");
  if (!result) {
    fuzz::require(!result.error().empty());
    for (const auto& problem : result.error()) fuzz::require(!agent::describe(problem).empty());
    return 0;
  }
  const auto& config = result.value();
  // What is in force, written out, is the same config again.
  const auto written = agent::effective_config(config);
  const auto again = agent::parse_config(written, "again.toml");
  fuzz::require(static_cast<bool>(again));
  fuzz::require(agent::effective_config(again.value()) == written);
  fuzz::require(!config.rules.empty());
  for (const auto& rule : config.rules) {
    fuzz::require(rule.limit >= 1 && rule.period.count() >= 1 && !rule.name.empty());
    fuzz::require(agent::parse_duration(agent::duration_text(rule.period)) == rule.period);
  }
  return 0;
}
