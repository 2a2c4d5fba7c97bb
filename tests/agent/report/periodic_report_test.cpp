#include "agent/report/periodic_report.h"

#include "tests/catch.h"

using namespace agent;
using namespace std::chrono_literals;

namespace {

Instant at(std::int64_t seconds) {
  return Instant(std::chrono::seconds(seconds));
}

HistoryEntry blocked(const std::string& identity) {
  HistoryEntry entry;
  entry.event = HistoryEvent::blocked;
  entry.time = at(1795427859);
  entry.kind = IdentityKind::user;
  entry.identity = identity;
  entry.rule = "authenticated";
  entry.count = 100;
  entry.limit = 100;
  entry.period = 3600s;
  entry.by = kByService;
  return entry;
}

PeriodicReport sample() {
  PeriodicReport report;
  report.since = at(1795330800);
  report.until = at(1795935600);
  report.events[HistoryEvent::blocked] = {{blocked("alice")}, 1};
  HistoryEntry freed = blocked("alice");
  freed.event = HistoryEvent::freed;
  freed.time += 600s;
  freed.count.reset();
  freed.period.reset();
  freed.rule.clear();
  freed.by = "root";
  freed.reason = "ticket 12";
  report.events[HistoryEvent::freed] = {{freed}, 1};
  report.fullest = {
      {"authenticated", IdentityKind::user, "bob", 87, 100, 3600s, at(1795935000), false}};
  report.lists = {{"/var/lib/exiwarden/exim/blocked_authenticated_users", 0}};
  report.frozen = PeriodicReport::Frozen{3, 4567, at(1795427900), at(1798019900)};
  return report;
}

NoticeContext on_mx1() {
  NoticeContext context;
  context.host = "mx1";
  return context;
}

}  // namespace

TEST_CASE("the end of a report's period is at 7 by the zone's clock, on Mondays for weekly ones") {
  struct Row {
    const char *zone, *told, *daily, *weekly;
  };
  const Row rows[] = {
      // Monday, before and at its time.
      {"UTC", "2026-11-23 06:59:59", "2026-11-23 07:00:00", "2026-11-23 07:00:00"},
      {"UTC", "2026-11-23 07:00:00", "2026-11-24 07:00:00", "2026-11-30 07:00:00"},
      {"UTC", "2026-11-29 23:00:00", "2026-11-30 07:00:00", "2026-11-30 07:00:00"},
      {"Europe/Berlin", "2026-11-25 12:00:00", "2026-11-26 07:00:00", "2026-11-30 07:00:00"},
      {"America/Los_Angeles", "2026-11-22 23:30:00", "2026-11-23 07:00:00", "2026-11-23 07:00:00"},
      // Clocks go forward and back between told and the morning.
      {"Europe/Berlin", "2027-03-27 22:00:00", "2027-03-28 07:00:00", "2027-03-29 07:00:00"},
      {"Europe/Berlin", "2026-10-24 22:00:00", "2026-10-25 07:00:00", "2026-10-26 07:00:00"},
      {"UTC", "1970-01-01 00:00:00", "1970-01-01 07:00:00", "1970-01-05 07:00:00"},
  };
  for (const auto& row : rows) {
    CAPTURE(row.zone, row.told);
    const auto zone = Zone::named(row.zone);
    REQUIRE(zone);
    // Seconds by which the zone's clock shows that.
    Instant told{};
    for (const std::chrono::seconds step : {24h * 3650, 24h * 365, 24h, 1h}) {
      while (zone->short_text(told + step) <= row.told) told += step;
    }
    for (const std::chrono::seconds step : {60s, 1s}) {
      while (zone->short_text(told + step) <= row.told) told += step;
    }
    REQUIRE(zone->short_text(told) == row.told);
    CHECK_FALSE(next_report(ReportPeriod::none, told, *zone));
    const auto daily = next_report(ReportPeriod::daily, told, *zone);
    const auto weekly = next_report(ReportPeriod::weekly, told, *zone);
    REQUIRE((daily && weekly));
    CHECK(zone->short_text(*daily) == row.daily);
    CHECK(zone->short_text(*weekly) == row.weekly);
    CHECK(*daily > told);
  }
}

TEST_CASE("a report is one page of text, with a page of HTML and its figures for programs") {
  const auto zone = Zone::utc();
  const auto notice = compose_report(sample(), zone, on_mx1());
  CHECK(notice.subject == "[mx1] exiwarden: 1 blocked, 1 freed");
  CHECK(notice.body ==
        "exiwarden on mx1, from 2026-11-22 07:00:00 to 2026-11-29 07:00:00: 1 blocked, 1 freed.\n"
        "\n"
        "Blocked: 1\n"
        "  2026-11-23 09:57:39  user alice  100 in 1h (authenticated)\n"
        "\n"
        "Freed: 1\n"
        "  2026-11-23 10:07:39  user alice  by root: ticket 12\n"
        "\n"
        "Nearest to a limit now\n"
        "  87 of 100 in 1h  user bob  (authenticated)\n"
        "\n"
        "Frozen mail of blocked senders\n"
        "  3 messages, 4,567 bytes; the oldest since 2026-11-23 09:58:20, and Exim keeps it until "
        "2026-12-23 09:58:20\n"
        "\n"
        "Lists\n"
        "  0 senders  /var/lib/exiwarden/exim/blocked_authenticated_users\n"
        "\n"
        "More of each:\n"
        "    exiwarden history --since 8d\n"
        "    exiwarden status\n");
  for (const auto* words : {"alice", "bob", "ticket 12", "87 of 100 in 1h", "3 messages"})
    CHECK(notice.page.find(words) != std::string::npos);
  CHECK(notice.data ==
        R"({"event":"report","server":"mx1","since":"2026-11-22T07:00:00+00:00",)"
        R"("until":"2026-11-29T07:00:00+00:00","blocked":1,"freed":1,"ended":0,"trial":0,)"
        R"("watched":0,"silent":0,"listed":0,"exempted":0,"faults":0})");
  CHECK(compose_report(sample(), zone, on_mx1()) == notice);
}

TEST_CASE("what senders write reaches neither a terminal nor a browser raw") {
  auto report = sample();
  const std::string hostile = "<script>\x1b[2J\r\nBcc: x@example.org\xff";
  report.events[HistoryEvent::blocked].entries.front().identity = hostile;
  report.events[HistoryEvent::freed].entries.front().reason = hostile;
  report.fullest.front().identity = hostile;
  report.faults = {hostile};
  report.history_fault = hostile;
  const auto notice = compose_report(report, Zone::utc(), on_mx1());
  CHECK(notice.subject == "[mx1] exiwarden: 1 blocked, 1 freed, 2 faults");
  for (const auto& text : {notice.body, notice.page, notice.data}) {
    CHECK(text.find('\x1b') == std::string::npos);
    CHECK(text.find('\r') == std::string::npos);
    CHECK(text.find('\xff') == std::string::npos);
    CHECK(text.find("\nBcc") == std::string::npos);
  }
  CHECK(notice.page.find("<script>") == std::string::npos);
}

TEST_CASE("of more than a page holds the rest is counted") {
  auto report = sample();
  report.events[HistoryEvent::blocked].all = 1234;
  const auto notice = compose_report(report, Zone::utc(), on_mx1());
  CHECK(notice.body.find("Blocked: 1,234\n") != std::string::npos);
  CHECK(notice.body.find("and 1,233 before these\n") != std::string::npos);
}
