#include "agent/commands/farm.h"

#include <fmt/format.h>

#include <cstdio>

#include "agent/printable.h"
#include "agent/terminal.h"
#ifdef EXIWARDEN_FARM
#include "agent/farm/session.h"
#include "agent/service.h"
#endif

namespace agent {

#ifndef EXIWARDEN_FARM

Exit show_farm(const Invocation&) {
  fmt::print(stderr, "exiwarden: --farm: this exiwarden was built without it\n");
  return kUnavailable;
}

Exit list_farm(const Invocation& invocation) {
  return show_farm(invocation);
}

#else

namespace {

constexpr std::int64_t kLongAgo = 600;  // seconds: a host that has said nothing for so long
constexpr std::int64_t kLately = 3600;

std::variant<FarmSession, Exit> open(const Config& config) {
  if (config.farm.url.empty()) {
    fmt::print(stderr, "exiwarden: --farm: there is no farm.url in the configuration\n");
    return kBadConfig;
  }
  auto session = FarmSession::open(farm_settings(config.farm, host_name()));
  if (session) return std::move(session.value());
  fmt::print(stderr, "exiwarden: {}\n", printable(session.error().what));
  return session.error().code == actions::Errc::denied ? kNotPermitted : kUnavailable;
}

Exit complain(const actions::Error& error) {
  fmt::print(stderr, "exiwarden: {}\n", printable(error.what));
  return kUnavailable;
}

const char* reason_of(const FarmRecord& record) {
  return record.why == FarmRecord::Why::count  ? "the farm's count"
         : record.why == FarmRecord::Why::host ? "its own count"
                                               : "by hand";
}

Record record_of(const FarmWord& word, const Zone& zone) {
  const auto& [name, record] = word;
  std::optional<std::string> until;
  if (record.until) until = zone.text(Instant(std::chrono::seconds(*record.until)));
  std::vector<std::string> hosts;
  for (const auto& host : record.hosts)
    hosts.push_back(fmt::format("{}:{}", host.host, host.count));
  Record out;
  out.add("list", name.list)
      .add("identity", record.identity)
      .add("since", zone.text(Instant(std::chrono::seconds(record.stamp / 1000))))
      .add("host", record.host)
      .add("why", reason_of(record))
      .add("rule", record.rule)
      .add("count", record.count)
      .add("hosts", hosts)
      .add_optional("until", until);
  return out;
}

Zone zone_of(const Config& config) {
  return Zone::named(config.log.timezone).value_or(Zone::utc());
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Exit show_farm(const Invocation& invocation) {
  auto opened = open(invocation.config);
  if (const auto* exit = std::get_if<Exit>(&opened)) return *exit;
  auto& session = std::get<FarmSession>(opened);
  const auto hosts = session.hosts();
  if (!hosts) return complain(hosts.error());
  const auto zone = zone_of(invocation.config);
  const auto now = seconds_now() + session.clock_offset() / 1000;
  const bool text = invocation.output == Output::text;
  if (text) {
    fmt::print("{:<11}version {}, its clock {} ms from ours\n", "server", session.server().version,
               session.clock_offset());
  }
  Exit exit = kDone;
  bool first = true;
  for (const auto& host : hosts.value()) {
    const bool silent = host.seen + kLongAgo < now;
    // Of late: a clock that was mended is nobody's trouble any more.
    const auto refused = host.refused + kLately > now ? host.ahead + host.late : 0;
    if (silent || refused > 0) exit = kNo;
    const auto seen = zone.text(Instant(std::chrono::seconds(host.seen)));
    if (text) {
      fmt::print("{:<11}{}: heard {}{}{}\n", "host", host.name, seen,
                 silent ? ", nothing since" : "",
                 refused > 0 ? fmt::format("; {} events refused, for their stamps are ahead of the "
                                           "server's clock, {} for theirs are long past",
                                           host.ahead, host.late)
                             : "");
      continue;
    }
    Record record;
    record.add("about", "host")
        .add("host", host.name)
        .add("seen", seen)
        .add("ahead", host.ahead)
        .add("late", host.late);
    if (invocation.output == Output::csv && std::exchange(first, false))
      fmt::print("{}\n", record.csv_header());
    fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
  }
  return exit;
}

Exit list_farm(const Invocation& invocation) {
  auto opened = open(invocation.config);
  if (const auto* exit = std::get_if<Exit>(&opened)) return *exit;
  auto& session = std::get<FarmSession>(opened);
  const auto zone = zone_of(invocation.config);
  const auto terminal = Terminal::standard_output();
  if (invocation.output == Output::csv) fmt::print("{}\n", record_of({}, zone).csv_header());
  const auto now = seconds_now();
  std::string cursor = "0";
  do {
    const auto part = session.pull(cursor);
    if (!part) return complain(part.error());
    cursor = part->cursor;
    for (const auto& word : part->words) {
      if (word.record.over(now)) continue;
      const auto record = record_of(word, zone);
      if (invocation.output != Output::text) {
        fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
        continue;
      }
      std::string together;
      for (const auto& host : word.record.hosts)
        together += fmt::format(" {} {}", host.host, host.count);
      fmt::print("{}\n", terminal.fitted(fmt::format("{:<24} {}", printable(word.name.list),
                                                     printable(word.record.identity))));
      fmt::print("    {}\n",
                 terminal.fitted(
                     fmt::format("since {} by {}, {}{}{}",
                                 zone.text(Instant(std::chrono::seconds(word.record.stamp / 1000))),
                                 word.record.host, reason_of(word.record),
                                 together.empty() ? "" : ":", together),
                     4));
    }
  } while (cursor != "0");
  return kDone;
}

#endif

}  // namespace agent
