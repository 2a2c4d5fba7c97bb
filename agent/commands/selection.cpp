#include "agent/commands/selection.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "agent/config/host_facts.h"
#include "agent/core/attribution.h"
#include "agent/output/complain.h"
#include "agent/values/duration.h"
#include "parsers/fields/stamp.h"

namespace agent {
namespace {

namespace po = boost::program_options;

std::optional<std::string> given(const Invocation& invocation, const char* name) {
  if (invocation.options.count(name) == 0) return std::nullopt;
  return invocation.options[name].as<std::string>();
}

bool take_time(const Invocation& invocation, const char* name, const Zone& zone, Instant now,
               std::optional<Instant>& out) {
  const auto text = given(invocation, name);
  if (!text) return true;
  out = parse_time(*text, zone, now);
  if (!out) {
    complain(
        fmt::format("--{}: no time \"{}\"; accepted: 2026-11-23, \"2026-11-23 10:00:00\", "
                    "2026-11-23T10:00:00+01:00, today, yesterday, 30d, 12h",
                    name, *text));
  }
  return out.has_value();
}

bool take_month(const Invocation& invocation, const Zone& zone, Selection& selection) {
  const auto text = given(invocation, "month");
  if (!text) return true;
  if (given(invocation, "since") || given(invocation, "until")) {
    complain("--month stands for --since and --until: give it without them");
    return false;
  }
  const auto month = parse_month(*text, zone);
  if (!month) {
    complain(fmt::format("--month: no month \"{}\"; accepted: 2026-10", *text));
    return false;
  }
  selection.since = month->first;
  selection.until = month->second;
  return true;
}

std::optional<Instant> midnight(std::chrono::sys_days date, const Zone& zone) {
  const std::chrono::year_month_day day(date);
  const auto text =
      fmt::format("{:04}-{:02}-{:02} 00:00:00", static_cast<int>(day.year()),
                  static_cast<unsigned>(day.month()), static_cast<unsigned>(day.day()));
  std::string_view rest = text;
  const auto stamp = parsers::take_exim_stamp(rest);
  return stamp ? std::optional(StampClock(zone).resolve(*stamp)) : std::nullopt;
}

}  // namespace

void add_selection_options(po::options_description& options) {
  options.add_options()  //
      ("since", po::value<std::string>()->value_name("TIME"),
       "from then on (2026-11-23 10:00, yesterday, 30d)")                                    //
      ("until", po::value<std::string>()->value_name("TIME"), "only what happened before")   //
      ("month", po::value<std::string>()->value_name("MONTH"), "only that month (2026-10)")  //
      ("user", po::value<std::string>()->value_name("ID"), "only this identity")             //
      ("host", po::value<std::string>()->value_name("HOST"),
       "only this client address, network or label of logs")  //
      ("timezone", po::value<std::string>()->value_name("ZONE"),
       "zone of timestamps without one (default log.timezone)");
}

std::optional<Instant> parse_time(std::string text, const Zone& zone, Instant now) {
  if (text == "today" || text == "yesterday") {
    const auto today = std::chrono::floor<std::chrono::days>(now + zone.offset_at(now));
    return midnight(text == "today" ? today : today - std::chrono::days(1), zone);
  }
  if (const auto ago = parse_duration(text)) return now - *ago;
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

std::optional<std::pair<Instant, Instant>> parse_month(const std::string& text, const Zone& zone) {
  using namespace std::chrono;
  const auto digits = [&](std::size_t from, std::size_t count) -> int {
    int value = 0;
    for (std::size_t i = from; i < from + count; ++i) {
      if (text[i] < '0' || text[i] > '9') return -1;
      value = 10 * value + (text[i] - '0');
    }
    return value;
  };
  if (text.size() != 7 || text[4] != '-') return std::nullopt;
  const int year_number = digits(0, 4), month_number = digits(5, 2);
  if (year_number < 1970 || month_number < 1 || month_number > 12) return std::nullopt;
  const auto first = year(year_number) / month(static_cast<unsigned>(month_number)) / 1;
  const auto since = midnight(sys_days(first), zone);
  const auto until = midnight(sys_days(first + months(1)), zone);
  if (!since || !until) return std::nullopt;
  return std::pair(*since, *until);
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
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  if (!take_time(invocation, "since", plan.options.zone, now, selection.since)) return kUsage;
  if (!take_time(invocation, "until", plan.options.zone, now, selection.until)) return kUsage;
  if (!take_month(invocation, plan.options.zone, selection)) return kUsage;
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
