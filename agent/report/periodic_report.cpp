#include "agent/report/periodic_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "agent/history/history_store.h"
#include "agent/output/text_table.h"
#include "agent/report/html.h"
#include "agent/state/checkpoint.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kMorning = 7h;
constexpr std::int64_t kThursday = 3;  // days after Monday: with one began 1970

struct Heading {
  HistoryEvent event;
  const char* title;
};
constexpr std::array<Heading, 8> kHeadings{{
    {HistoryEvent::blocked, "Blocked"},
    {HistoryEvent::freed, "Freed"},
    {HistoryEvent::ended, "Blocks that ended by themselves"},
    {HistoryEvent::trial, "Would have been blocked (on trial)"},
    {HistoryEvent::watched, "Came near a limit"},
    {HistoryEvent::silent, "Logs that fell silent"},
    {HistoryEvent::listed, "Our own address was refused"},
    {HistoryEvent::exempted, "Exempted"},
}};

std::string who_text(const HistoryEntry& entry) {
  return entry.kind ? fmt::format("{} {}", name_of(*entry.kind), printable(entry.identity, 60))
                    : std::string();
}

// What happened, beside when and to whom: "100 in 1h (authenticated)", "by root: ticket 12".
std::string what_text(const HistoryEntry& entry) {
  std::string text;
  if (entry.count && entry.period)
    text = fmt::format("{} in {}", grouped(*entry.count), duration_text(*entry.period));
  if (!entry.rule.empty()) text += fmt::format("{}({})", text.empty() ? "" : " ", entry.rule);
  if (!entry.by.empty() && entry.by != kByService)
    text += fmt::format("{}by {}", text.empty() ? "" : " ", printable(entry.by, 40));
  if (!entry.reason.empty())
    text += fmt::format("{}{}", text.empty() ? "" : ": ", printable(entry.reason, 60));
  return text;
}

std::string window_text(const FullWindow& window) {
  return fmt::format("{} of {} in {}", grouped(window.count), grouped(window.limit),
                     duration_text(window.period));
}

std::string frozen_text(const PeriodicReport::Frozen& frozen, const Zone& zone) {
  if (frozen.messages == 0) return "none";
  auto text =
      fmt::format("{}, {} bytes", counted(frozen.messages, "message"), grouped(frozen.bytes));
  if (frozen.oldest) text += fmt::format("; the oldest since {}", zone.short_text(*frozen.oldest));
  if (frozen.kept_until)
    text += fmt::format(", and Exim keeps it until {}", zone.short_text(*frozen.kept_until));
  return text;
}

std::uint64_t count_of(const PeriodicReport& report, HistoryEvent event) {
  const auto found = report.events.find(event);
  return found == report.events.end() ? 0 : found->second.all;
}

// A titled part of the report: rows of when or how much, who, and what.
struct Part {
  std::string title;
  std::vector<std::array<std::string, 3>> rows;
};

Part part_of(const char* title, const PeriodicReport::Events& events, const Zone& zone) {
  const auto& [entries, all] = events;
  Part part{fmt::format("{}: {}", title, grouped(all)), {}};
  if (all > entries.size())
    part.rows.push_back(
        {"", "", fmt::format("and {} before these", grouped(all - entries.size()))});
  for (const auto& entry : entries)
    part.rows.push_back({zone.short_text(entry.time), who_text(entry), what_text(entry)});
  return part;
}

std::vector<Part> parts_of(const PeriodicReport& report, const Zone& zone) {
  std::vector<Part> parts;
  Part faults{"Does not work now", {}};
  for (const auto& fault : report.faults) faults.rows.push_back({"", "", printable(fault, 300)});
  if (report.history_fault)
    faults.rows.push_back({"", "", "history: " + printable(*report.history_fault, 300)});
  if (!faults.rows.empty()) parts.push_back(std::move(faults));
  for (const auto& [event, title] : kHeadings) {
    const auto found = report.events.find(event);
    if (found != report.events.end()) parts.push_back(part_of(title, found->second, zone));
  }
  Part fullest{"Nearest to a limit now", {}};
  for (const auto& window : report.fullest) {
    fullest.rows.push_back(
        {window_text(window),
         fmt::format("{} {}", name_of(window.kind), printable(window.identity, 60)),
         fmt::format("({})", window.rule)});
  }
  if (!fullest.rows.empty()) parts.push_back(std::move(fullest));
  if (report.frozen)
    parts.push_back(
        {"Frozen mail of blocked senders", {{"", "", frozen_text(*report.frozen, zone)}}});
  Part lists{"Lists", {}};
  for (const auto& list : report.lists)
    lists.rows.push_back({counted(list.senders, "sender"), "", printable(list.path)});
  parts.push_back(std::move(lists));
  return parts;
}

std::string text_of(const Part& part) {
  std::string text = part.title + "\n";
  std::array<std::size_t, 2> widths{};
  for (const auto& row : part.rows) {
    for (std::size_t i = 0; i < widths.size(); ++i)
      widths[i] = std::max(widths[i], text_columns(row[i]));
  }
  for (const auto& row : part.rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size() || widths[i] > 0) line += "  " + row[i];
      if (i < widths.size() && widths[i] > 0) line.append(widths[i] - text_columns(row[i]), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string page_of(const PeriodicReport& report, const std::vector<Part>& parts, const Zone& zone,
                    const std::string& title) {
  const auto blocked = count_of(report, HistoryEvent::blocked);
  auto faults = report.faults.size() + (report.history_fault ? 1 : 0);
  std::string body = fmt::format("<h1>{}</h1>\n<p>{} to {}</p>\n", html_text(title),
                                 html_time(zone, report.since), html_time(zone, report.until));
  body += html_card(blocked > 0 ? "bad" : "good", grouped(blocked), "blocked");
  body += html_card("", grouped(count_of(report, HistoryEvent::freed)), "freed");
  body += html_card(faults > 0 ? "bad" : "good", grouped(faults), "do not work now");
  for (const auto& part : parts) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& [first, who, what] : part.rows)
      rows.push_back({html_text(first), html_text(who), html_text(what)});
    body += fmt::format("<h2>{}</h2>\n", html_text(part.title)) + html_table({"", "", ""}, rows);
  }
  return html_page(title, body);
}

std::string data_of(const PeriodicReport& report, const Zone& zone, const std::string& host) {
  nlohmann::ordered_json data{{"event", "report"},
                              {"server", printable(host)},
                              {"since", zone.text(report.since)},
                              {"until", zone.text(report.until)}};
  for (const auto name : kHistoryEvents)
    data[std::string(name)] = count_of(report, *history_event_named(name));
  data["faults"] = report.faults.size();
  return data.dump();
}

}  // namespace

std::optional<Instant> next_report(ReportPeriod period, Instant told, const Zone& zone) {
  if (period == ReportPeriod::none) return std::nullopt;
  // By the zone's clock; its offset then may be another than now.
  const auto clock = told.time_since_epoch() + zone.offset_at(told);
  auto day = std::chrono::floor<std::chrono::days>(clock - kMorning) + std::chrono::days(1);
  if (period == ReportPeriod::weekly) {
    const auto weekday = (day.count() + kThursday) % 7;  // 0: Monday
    if (weekday != 0) day += std::chrono::days(7 - weekday);
  }
  const Instant wall{std::chrono::duration_cast<std::chrono::seconds>(day + kMorning)};
  const auto guess = wall - zone.offset_at(wall);
  return std::max(told + 1s, wall - zone.offset_at(guess));
}

void gather_report(const Config& config, std::string_view checkpoint, PeriodicReport& report) {
  HistoryQuery query;
  query.since = report.since;
  query.until = report.until;
  const auto read = read_history(config.state.directory, query, [&](const HistoryEntry& entry) {
    auto& [entries, all] = report.events[entry.event];
    ++all;
    entries.push_back(entry);
    if (entries.size() > PeriodicReport::kMaxEntries) entries.erase(entries.begin());
  });
  if (!read && read.error().code != actions::Errc::not_found)
    report.history_fault = read.error().what;
  const auto state = decode_checkpoint(checkpoint);
  if (state) report.fullest = fullest_windows(state.value(), config, PeriodicReport::kMaxWindows);
}

Notice compose_report(const PeriodicReport& report, const Zone& zone,
                      const NoticeContext& context) {
  const auto host = printable(context.host, 40);
  const auto faults = report.faults.size() + (report.history_fault ? 1 : 0);
  Notice notice;
  notice.date = report.until.time_since_epoch().count();
  notice.message_id =
      notice_id(fmt::format("report\n{}\n{}", report.since.time_since_epoch().count(), notice.date),
                context.host);
  const auto summary =
      fmt::format("{} blocked, {} freed{}", grouped(count_of(report, HistoryEvent::blocked)),
                  grouped(count_of(report, HistoryEvent::freed)),
                  faults > 0 ? ", " + counted(faults, "fault") : "");
  notice.subject = fmt::format("[{}] exiwarden: {}", host, summary);
  const auto parts = parts_of(report, zone);
  notice.body = fmt::format("exiwarden on {}, from {} to {}: {}.\n", printable(context.host),
                            zone.short_text(report.since), zone.short_text(report.until), summary);
  for (const auto& part : parts) notice.body += "\n" + text_of(part);
  const auto config = context.config_path.empty() ? "" : " -c " + shell_word(context.config_path);
  notice.body += fmt::format(
      "\nMore of each:\n    exiwarden history{0} --since 8d\n"
      "    exiwarden status{0}\n",
      config);
  notice.page = page_of(report, parts, zone, fmt::format("exiwarden on {}", host));
  notice.data = data_of(report, zone, context.host);
  return notice;
}

}  // namespace agent
