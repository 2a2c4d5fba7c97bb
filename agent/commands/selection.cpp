#include "agent/commands/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "agent/attribution.h"
#include "agent/printable.h"
#include "agent/surroundings.h"
#include "parsers/stamp.h"

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
    fmt::print(stderr,
               "exiwarden: --{}: no time \"{}\"; accepted: 2026-11-23, \"2026-11-23 10:00:00\", "
               "2026-11-23T10:00:00+01:00\n",
               name, printable(*text));
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
       "of stamps without one (default log.timezone)");
}

bool Selection::admits(const Signalled& signalled) const {
  if (!holds(signalled.time)) return false;
  if (host) {
    const auto address =
        signalled.event.host ? IpAddress::parse(*signalled.event.host) : std::optional<IpAddress>();
    if (!address || !host->contains(*address)) return false;
  }
  return is_user(signalled.charge.identity);
}

bool Selection::admits(const Decision& decision) const {
  const auto of_host = [&](const HostCount& counted) {
    const auto address = IpAddress::parse(counted.host);
    return address && host->contains(*address);
  };
  return holds(decision.time) && is_user(decision.identity) &&
         (!host || std::any_of(decision.hosts.begin(), decision.hosts.end(), of_host));
}

// By name; an address also by the network that it is charged in, and the other way round.
bool Selection::is_user(std::string_view identity) const {
  if (!user || folded(identity) == *user) return true;
  const auto asked = Network::parse(*user), found = Network::parse(identity);
  return asked && found && (asked->contains(found->base) || found->contains(asked->base)) &&
         asked->base.v6 == found->base.v6;
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

std::variant<ReadPlan, Exit> read_plan(const Invocation& invocation) {
  ReadPlan plan;
  plan.config = invocation.config;
  if (const auto zone = given(invocation, "timezone")) plan.config.log.timezone = *zone;
  auto around = surroundings(plan.config);
  if (const auto* problem = std::get_if<std::string>(&around)) {
    fmt::print(stderr, "exiwarden: {}\n", *problem);
    return given(invocation, "timezone") ? kUsage : kBadConfig;
  }
  plan.options = std::move(std::get<PipelineOptions>(around));
  auto& selection = plan.selection;
  if (!take_time(invocation, "since", plan.options.zone, selection.since)) return kUsage;
  if (!take_time(invocation, "until", plan.options.zone, selection.until)) return kUsage;
  if (selection.since && selection.until && *selection.since >= *selection.until) {
    fmt::print(stderr, "exiwarden: --since is not before --until\n");
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
