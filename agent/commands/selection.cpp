#include "agent/commands/selection.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/config/host_facts.h"
#include "agent/core/attribution.h"
#include "agent/output/complain.h"
#include "parsers/fields/stamp.h"

namespace agent {
namespace {

namespace po = boost::program_options;

std::optional<std::string> given(const Invocation& invocation, const char* name) {
  if (invocation.options.count(name) == 0) return std::nullopt;
  return invocation.options[name].as<std::string>();
}

bool take_time(const Invocation& invocation, const char* name, const Zone& zone,
               std::optional<Instant>& out) {
  const auto text = given(invocation, name);
  if (!text) return true;
  out = parse_time(*text, zone);
  if (!out) {
    complain(
        fmt::format("--{}: no time \"{}\"; accepted: 2026-11-23, \"2026-11-23 10:00:00\", "
                    "2026-11-23T10:00:00+01:00",
                    name, *text));
  }
  return out.has_value();
}

}  // namespace

void add_selection_options(po::options_description& options) {
  options.add_options()  //
      ("since", po::value<std::string>()->value_name("TIME"),
       "only what happened from then on (2026-11-23 10:00)")                                //
      ("until", po::value<std::string>()->value_name("TIME"), "only what happened before")  //
      ("user", po::value<std::string>()->value_name("ID"), "only this identity")            //
      ("host", po::value<std::string>()->value_name("HOST"),
       "only this client address or network, or this label of logs")  //
      ("timezone", po::value<std::string>()->value_name("ZONE"),
       "zone of timestamps that have none (default log.timezone)");
}

std::optional<Instant> parse_time(std::string text, const Zone& zone) {
  if (text.size() == 10) text += " 00:00:00";
  if (text.size() == 16) text += ":00";
  std::string_view rest = text;
  auto stamp = parsers::take_exim_stamp(rest);
  if (!stamp) stamp = parsers::take_iso_stamp(rest);
  if (!stamp && text.size() > 10 && text[10] == 'T') {
    text[10] = ' ';
    rest = text;
    stamp = parsers::take_exim_stamp(rest);
  }
  if (!stamp || !rest.empty()) return std::nullopt;
  return StampClock(zone).resolve(*stamp);
}

actions::Result<ReadPlan, Exit> read_plan(const Invocation& invocation) {
  ReadPlan plan;
  plan.config = invocation.config;
  if (const auto zone = given(invocation, "timezone")) plan.config.log.timezone = *zone;
  auto around = pipeline_options_for(plan.config);
  if (!around) {
    complain(around.error());
    return given(invocation, "timezone") ? kUsage : kBadConfig;
  }
  plan.options = std::move(around).value();
  auto& selection = plan.selection;
  if (!take_time(invocation, "since", plan.options.zone, selection.since)) return kUsage;
  if (!take_time(invocation, "until", plan.options.zone, selection.until)) return kUsage;
  if (selection.since && selection.until && *selection.since >= *selection.until) {
    complain("--since is not before --until");
    return kUsage;
  }
  if (const auto user = given(invocation, "user")) selection.user = folded(*user);
  if (const auto host = given(invocation, "host")) {
    selection.host = Network::parse(*host);
    if (!selection.host) selection.label = *host;
  }
  return plan;
}

}  // namespace agent
