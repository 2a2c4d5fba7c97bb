#include "agent/output/decision_text.h"

#include <fmt/format.h>

#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {

OutputRow row_of(const Decision& decision, const Zone& zone) {
  std::optional<std::string> until;
  if (decision.until) until = zone.text(*decision.until);
  std::vector<std::string> farm;
  for (const auto& host : decision.farm)
    farm.push_back(fmt::format("{}:{}", host.host, host.count));
  OutputRow record;
  record.add("time", zone.text(decision.time))
      .add("rule", decision.rule)
      .add("identity_kind", name_of(decision.identity_kind))
      .add("identity", decision.identity)
      .add("count", decision.count)
      .add("limit", decision.limit)
      .add("period", static_cast<std::uint64_t>(decision.period.count()))
      .add("first", zone.text(decision.first))
      .add("file", decision.place.file)
      .add("line", decision.place.line)
      .add("offset", decision.place.offset)
      .add_optional("until", until)
      .add("mode", name_of(decision.mode));
  if (!farm.empty()) record.add("farm", farm);
  return record;
}

namespace {

// ", counted by mx1 25, mx2 75"; "" if this host has decided alone.
std::string farm_text(const Decision& decision) {
  std::string text;
  for (const auto& host : decision.farm)
    text += fmt::format("{} {} {}", text.empty() ? ", counted by" : ",", printable(host.host),
                        host.count);
  return text;
}

}  // namespace

std::string text_of(const Decision& decision, const Zone& zone) {
  return fmt::format("{}  {} {}: {}{} in {} ({} {}, limit {}) since {}, {}:{}",
                     zone.short_text(decision.time), name_of(decision.identity_kind),
                     printable(decision.identity), decision.count,
                     decision.refusals ? "" : " " + decision.what, duration_text(decision.period),
                     decision.mode == RuleMode::trial ? "trial of rule" : "rule",
                     printable(decision.rule), decision.limit, zone.short_text(decision.first),
                     printable(decision.place.file), decision.place.line) +
         (decision.until ? ", until " + zone.short_text(*decision.until) : "") +
         farm_text(decision);
}

}  // namespace agent
