#include "agent/commands/farm.h"

#include <fmt/format.h>

#include <set>

#include "agent/config/host_facts.h"
#include "agent/output/complain.h"
#include "agent/output/terminal.h"
#include "agent/values/printable.h"
#ifdef EXIWARDEN_FARM
#include "agent/commands/list_scope.h"
#include "agent/farm/session.h"
#include "agent/service/service.h"
#endif

namespace agent {

#ifndef EXIWARDEN_FARM

Exit show_farm(const Invocation&) {
  complain("--farm: this exiwarden was built without it");
  return kUnavailable;
}

Exit list_farm(const Invocation& invocation) {
  return show_farm(invocation);
}

std::vector<FarmSays> ask_farm(const Config&, const std::shared_ptr<const IdentityTables>&,
                               const std::string&) {
  return {};
}

#else

namespace {

constexpr std::int64_t kLongAgo = 600;  // seconds: a host that has said nothing for so long
constexpr std::int64_t kLately = 3600;

actions::Result<FarmSession, Exit> open(const Config& config) {
  if (config.farm.url.empty()) {
    complain("--farm: there is no farm.url in the configuration");
    return kBadConfig;
  }
  auto session = FarmSession::open(farm_settings(config.farm, host_name()));
  if (session) return std::move(session.value());
  complain(session.error().what);
  return session.error().code == actions::Errc::denied ? kNotPermitted : kUnavailable;
}

Exit unavailable(const actions::Error& error) {
  complain(error.what);
  return kUnavailable;
}

const char* reason_of(const FarmStatement& record) {
  return record.why == FarmStatement::Why::count  ? "the farm's count"
         : record.why == FarmStatement::Why::host ? "its own count"
                                                  : "by hand";
}

OutputRow row_of(const NamedStatement& word, const Zone& zone) {
  const auto& [name, record] = word;
  std::optional<std::string> until;
  if (record.until) until = zone.text(Instant(std::chrono::seconds(*record.until)));
  std::vector<std::string> hosts;
  for (const auto& host : record.hosts)
    hosts.push_back(fmt::format("{}:{}", host.host, host.count));
  OutputRow out;
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

std::string together(const std::vector<HostCount>& hosts) {
  std::string text;
  for (const auto& host : hosts) text += fmt::format(" {} {}", host.host, host.count);
  return text;
}

std::string since(const FarmStatement& record, const Zone& zone) {
  const auto hosts = together(record.hosts);
  return fmt::format("since {} by {}, {}{}{}",
                     zone.short_text(Instant(std::chrono::seconds(record.stamp / 1000))),
                     record.host, reason_of(record), hosts.empty() ? "" : ":", hosts);
}

// The last word on somebody, in a list of this name.
std::string word_text(const std::string& list, const FarmStatement& record, const Zone& zone) {
  if (!record.blocked) {
    return fmt::format("freed in {} at {} by {}", list,
                       zone.short_text(Instant(std::chrono::seconds(record.stamp / 1000))),
                       record.host);
  }
  const auto until =
      record.until ? ", until " + zone.short_text(Instant(std::chrono::seconds(*record.until)))
                   : "";
  return fmt::format("{}blocked in {} {}{}", record.over(seconds_now()) ? "was " : "", list,
                     since(record, zone), until);
}

using Sentences = std::vector<std::string>;

// In one list, and by the rules that write into it.
actions::Result<Sentences> says_of(FarmSession& session, const Config& config,
                                   const ScopedList& list, const std::string& key,
                                   const Zone& zone) {
  Sentences says;
  const FarmName name{farm_list_name(list.path), key};
  if (!is_farm_identity(key)) return says;
  const auto word = session.word(name);
  if (!word) return word.error();
  if (const auto& record = word.value()) says.push_back(word_text(name.list, *record, zone));
  for (const auto& rule : config.rules) {
    if (rule.list != list.path || rule.identity != list.kind || rule.mode == RuleMode::trial)
      continue;
    const auto window = session.window(rule, key);
    if (!window) return window.error();
    if (window->hosts.empty()) continue;
    says.push_back(fmt::format("counted by rule {} from {} to {}:{}", rule.name,
                               zone.short_text(Instant(std::chrono::seconds(window->first))),
                               zone.short_text(Instant(std::chrono::seconds(window->last))),
                               together(window->hosts)));
  }
  return says;
}

}  // namespace

Exit show_farm(const Invocation& invocation) {
  auto opened = open(invocation.config);
  if (!opened) return opened.error();
  auto& session = opened.value();
  const auto hosts = session.hosts();
  if (!hosts) return unavailable(hosts.error());
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
    // Only recent refusals: a clock that was set right is no fault any more.
    const auto refused = host.refused + kLately > now ? host.ahead + host.late : 0;
    if (silent || refused > 0) exit = kNo;
    const auto seen = zone.text(Instant(std::chrono::seconds(host.seen)));
    if (text) {
      fmt::print("{:<11}{}: heard {}{}{}\n", "host", host.name,
                 zone.short_text(Instant(std::chrono::seconds(host.seen))),
                 silent ? ", nothing since" : "",
                 refused > 0 ? fmt::format("; {} events refused: their timestamps are ahead of the "
                                           "server's clock; {} more are too old",
                                           host.ahead, host.late)
                             : "");
      continue;
    }
    OutputRow record;
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
  if (!opened) return opened.error();
  auto& session = opened.value();
  const auto zone = zone_of(invocation.config);
  const auto terminal = Terminal::standard_output();
  if (invocation.output == Output::csv) fmt::print("{}\n", row_of({}, zone).csv_header());
  const auto now = seconds_now();
  std::string cursor = "0";
  do {
    const auto part = session.pull(cursor);
    if (!part) return unavailable(part.error());
    cursor = part->cursor;
    for (const auto& word : part->words) {
      if (word.record.over(now)) continue;
      const auto record = row_of(word, zone);
      if (invocation.output != Output::text) {
        fmt::print("{}\n", invocation.output == Output::csv ? record.csv() : record.json());
        continue;
      }
      fmt::print("{}\n", terminal.fitted(fmt::format("{:<24} {}", printable(word.name.list),
                                                     printable(word.record.identity))));
      fmt::print("    {}\n", terminal.fitted(since(word.record, zone), 4));
    }
  } while (cursor != "0");
  return kDone;
}

std::vector<FarmSays> ask_farm(const Config& config,
                               const std::shared_ptr<const IdentityTables>& tables,
                               const std::string& identity) {
  if (config.farm.url.empty()) return {};
  std::vector<FarmSays> says;
  auto opened = FarmSession::open(farm_settings(config.farm, host_name()));
  std::optional<std::string> fault;
  if (!opened) fault = opened.error().what;
  const auto zone = zone_of(config);
  for (auto list : lists_of(config)) {
    list.tables = tables;
    const auto forms = forms_of(list, identity);
    for (const auto& key : std::set(forms.begin(), forms.end())) {
      if (fault) break;
      auto found = says_of(opened.value(), config, list, key, zone);
      if (!found) {
        fault = found.error().what;
        break;
      }
      for (auto& text : found.value()) says.push_back({list.kind, std::move(text)});
    }
  }
  if (fault) {
    for (const auto kind :
         {IdentityKind::user, IdentityKind::relay, IdentityKind::local, IdentityKind::host})
      says.push_back({kind, "The farm can't be asked: " + *fault});
  }
  return says;
}

#endif

}  // namespace agent
