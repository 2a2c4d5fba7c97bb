#include "agent/tune/tune_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "agent/core/attribution.h"
#include "agent/output/output_row.h"
#include "agent/output/text_table.h"
#include "agent/output/version.h"
#include "agent/report/html.h"
#include "agent/tune/tune_chart.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kBlockedShown = 200, kNearShown = 12, kPeaksShown = 60;

std::string mono(std::string_view bytes) {
  return "<span class=\"m\">" + html_text(bytes, 200) + "</span>";
}

const char* plural_of(IdentityKind kind) {
  return kind == IdentityKind::user    ? "users"
         : kind == IdentityKind::relay ? "relay hosts"
         : kind == IdentityKind::host  ? "hosts"
                                       : "logins";
}

std::size_t with_events(const Peaks& peaks) {
  return static_cast<std::size_t>(
      std::count_if(peaks.subjects().begin(), peaks.subjects().end(),
                    [](const auto& entry) { return entry.second.events > 0; }));
}

struct Sent {
  std::uint64_t before = 0, after = 0;
};
Sent sent_by(const std::vector<Blocked>& blocked) {
  Sent sent;
  for (const auto& one : blocked) {
    sent.before += one.hit->messages;
    sent.after += one.subject->messages - one.hit->messages;
  }
  return sent;
}

// Darker, the more of those who tried dead recipients it blocks.
const char* heat(std::size_t blocked, std::size_t all) {
  constexpr std::array<const char*, 5> kHeat{"n", "n h1", "n h2", "n h3", "n h4"};
  if (blocked == 0 || all == 0) return kHeat[0];
  const auto share = blocked * 100 / all;
  return kHeat[share < 2 ? 1 : share < 10 ? 2 : share < 40 ? 3 : 4];
}

std::string cells(const Tuning& tuning, const Labels& labels) {
  const auto& peaks = *tuning.peaks;
  const auto& grid = peaks.grid();
  std::string out =
      "<h3>Identities blocked, by limit and period</h3>\n<table "
      "class=\"grid\"><thead><tr><th>period</th>";
  for (const auto limit : tuning.limits) {
    out += fmt::format("<th class=\"n\">{}</th>", grouped(grid.limits[limit]));
  }
  out += "</tr></thead><tbody>\n";
  const auto all = with_events(peaks);
  for (std::size_t period = 0; period < grid.periods.size(); ++period) {
    out += fmt::format("<tr><td>{}</td>", duration_text(grid.periods[period]));
    for (const auto limit : tuning.limits) {
      const auto blocked = blocked_by(peaks, limit, period, labels);
      const auto sent = sent_by(blocked);
      const bool suggested = tuning.advice && tuning.advice->period == period &&
                             tuning.advice->limit == grid.limits[limit];
      out += fmt::format("<td class=\"{}{}\"><b>{}</b>", heat(blocked.size(), all),
                         suggested ? " best" : "", grouped(blocked.size()));
      if (labels.given()) {
        const auto verdict = judge(blocked, labels);
        out += fmt::format("<span>{} hit, {} missed, {} false</span>", verdict.hits, verdict.misses,
                           verdict.false_alarms);
      } else if (!blocked.empty()) {
        out += fmt::format("<span>{} out, {} stopped</span>", grouped(sent.before),
                           grouped(sent.after));
      }
      out += "</td>";
    }
    out += "</tr>\n";
  }
  out += "</tbody></table>\n";
  if (labels.given()) return out;
  return out +
         "<p class=\"soft\">out, stopped: messages accepted from them before and after they were "
         "decided on.</p>\n";
}

std::string named(const Blocked& one) {
  return "<span class=\"m id\">" + html_text(one.identity, 200) + "</span>" +
         (one.label.empty() ? "" : " <span class=\"soft\">" + one.label + "</span>");
}

std::string blocked_table(const std::vector<Blocked>& blocked, const Zone& zone) {
  if (blocked.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : blocked) {
    if (rows.size() == kBlockedShown) break;
    rows.push_back({named(one), html_time(zone, one.hit->time), grouped(one.hit->event),
                    grouped(one.subject->events), grouped(one.hit->messages),
                    grouped(one.subject->messages - one.hit->messages)});
  }
  std::string out = "<h3>Blocked by it</h3>\n" +
                    html_table({"identity", "decided", "#refused until then", "#refused in all",
                                "#messages out before", "#messages stopped"},
                               rows);
  if (blocked.size() > rows.size()) {
    out +=
        fmt::format("<p class=\"soft\">and {} more</p>\n", grouped(blocked.size() - rows.size()));
  }
  return out;
}

// Every identity's highest counts: a setting blocks those that reach its limit in its period.
std::string highest(const Tuning& tuning, const Labels& labels) {
  const auto& peaks = *tuning.peaks;
  const auto& periods = peaks.grid().periods;
  const auto most = nearest_below(peaks, UINT32_MAX, tuning.advice ? tuning.advice->period : 0,
                                  labels, kPeaksShown);
  if (most.empty()) return "";
  std::vector<std::string> titles{"identity"};
  for (const auto period : periods) titles.push_back("#in " + duration_text(period));
  titles.insert(titles.end(), {"#refused in all", "#messages accepted"});
  std::vector<std::vector<std::string>> rows;
  for (const auto& one : most) {
    std::vector<std::string> row{named(one)};
    for (std::size_t period = 0; period < periods.size(); ++period) {
      const auto peak = one.subject->peaks[period];
      row.push_back(grouped(peak) + (peak >= peaks.ceiling() ? "+" : ""));
    }
    row.insert(row.end(), {grouped(one.subject->events), grouped(one.subject->messages)});
    rows.push_back(std::move(row));
  }
  std::string out =
      "<h3>Highest counts</h3>\n<p class=\"soft\">A setting blocks everybody whose highest count "
      "in "
      "its period is its limit or more.</p>\n" +
      html_table(titles, rows);
  const auto all = with_events(peaks);
  if (all > rows.size()) {
    out += fmt::format("<p class=\"soft\">and {} more with less</p>\n", grouped(all - rows.size()));
  }
  return out;
}

std::string suggestion(const Tuning& tuning, const TunePageContext& context) {
  const auto& peaks = *tuning.peaks;
  const auto& labels = *context.labels;
  if (!tuning.advice) {
    return "<p>" + html_text(no_advice_text(labels)) + "</p>\n" + peaks_svg(tuning, 0, 0) +
           cells(tuning, labels);
  }
  const auto& advice = *tuning.advice;
  const auto period = peaks.grid().periods[advice.period];
  const auto blocked = blocked_by_advice(tuning, labels);
  const auto sent = sent_by(blocked);
  std::string out =
      "<div class=\"cards\">\n" +
      html_card("lead", fmt::format("{} in {}", grouped(advice.limit), duration_text(period)),
                "suggested limit and period") +
      html_card("bad", grouped(blocked.size()), "identities blocked by it") +
      html_card("good", grouped(with_events(peaks) - blocked.size()), "left alone") +
      html_card("", grouped(sent.before), "messages out before") +
      html_card("", grouped(sent.after), "messages stopped");
  if (labels.given()) {
    const auto verdict = judge(blocked, labels);
    out += html_card("good", grouped(verdict.hits), "spammers hit") +
           html_card("", grouped(verdict.misses), "spammers missed") +
           html_card("bad", grouped(verdict.false_alarms), "false alarms");
  }
  out += "</div>\n<p>" + html_text(confidence_text(tuning, labels), 1000) + "</p>\n<p>" +
         html_text(reason_text(tuning, labels), 1000) + "</p>\n" +
         peaks_svg(tuning, advice.period, advice.limit) + cells(tuning, labels) +
         blocked_table(blocked, *context.zone);

  std::vector<std::vector<std::string>> near;
  for (const auto& one : nearest_below(peaks, advice.limit, advice.period, labels, kNearShown)) {
    near.push_back({named(one), grouped(one.subject->peaks[advice.period]),
                    grouped(one.subject->events), grouped(one.subject->messages)});
  }
  if (!near.empty()) {
    out += "<h3>Left alone, nearest first</h3>\n" +
           html_table({"identity", "#most in " + duration_text(period), "#refused in all",
                       "#messages accepted"},
                      near);
  }
  out += "<h3>For the configuration</h3>\n<pre>" +
         html_lines(rule_snippet(peaks.rule(), advice, period, tuning.state_directory)) +
         "</pre>\n";
  if (const auto exempt = exempt_snippet(peaks.rule(), advice); !exempt.empty()) {
    out += "<p>And to its [exempt], if they are to be let through:</p>\n<pre>" +
           html_lines(exempt) + "</pre>\n";
  }
  if (const auto own = ratelimit_text(tuning); !own.empty()) {
    out += "<p>The same with Exim's ratelimit (not needed with exiwarden):</p>\n<pre>" +
           html_text(own) + "</pre>\n";
  }
  return out;
}

}  // namespace

std::string tune_page(const std::vector<Tuning>& rules, const TunePageContext& context) {
  const std::string title = "Limits, and the senders they would have blocked";
  std::string body =
      "<h1>" + title +
      "</h1>\n<p class=\"soft\">Each setting decided as the service would have, from "
      "the same logs.</p>\n";
  if (context.partial) body += "<p class=\"hit\">Not all logs could be read to their end.</p>\n";
  if (!rules.empty()) {
    const auto& first = rules.front();
    body += "<p>" + html_text(span_text(first.span, first.peaks->grid(), *context.zone), 1000) +
            "</p>\n";
  }
  for (const auto& tuning : rules) {
    const auto& rule = tuning.peaks->rule();
    body += fmt::format(
        "<h2>Rule {}</h2>\n<p class=\"soft\">{} {} {}; {} count; now {} in {}.</p>\n",
        html_text(rule.name), grouped(with_events(*tuning.peaks)), plural_of(rule.identity),
        counts_refusals(rule) ? "tried recipients that do not exist" : "did what the rule counts",
        counts_refusals(rule)
            ? rule.count == CountBy::recipients ? "distinct recipients" : "attempts"
            : counted_noun(rule, 2),
        grouped(rule.limit), duration_text(rule.period));
    if (with_events(*tuning.peaks) == 0) continue;
    if (const auto left_out = left_out_text(tuning); !left_out.empty())
      body += "<p>" + html_text(left_out, 1000) + "</p>\n";
    body += suggestion(tuning, context);
    body += highest(tuning, *context.labels);
  }
  body += "<h2>Where this comes from</h2>\n";
  if (!context.selection.empty()) {
    body += "<p>Only a part was looked at: " + mono(context.selection) + "</p>\n";
  }
  if (!context.csv.empty()) {
    body += "<p>The senders that each setting blocks, and when, are in " + mono(context.csv) +
            ".</p>\n";
  }
  return html_page(title, body + "<footer>exiwarden " + std::string(kVersion) + "</footer>\n");
}

std::string tune_csv(const std::vector<Tuning>& rules, const TunePageContext& context) {
  std::string out;
  for (const auto& tuning : rules) {
    const auto& peaks = *tuning.peaks;
    for (std::size_t period = 0; period < peaks.grid().periods.size(); ++period) {
      for (const auto limit : tuning.limits) {
        for (const auto& one : blocked_by(peaks, limit, period, *context.labels)) {
          OutputRow record;
          record.add("rule", peaks.rule().name)
              .add("period", static_cast<std::uint64_t>(peaks.grid().periods[period].count()))
              .add("limit", peaks.grid().limits[limit])
              .add("identity", one.identity)
              .add("label", one.label)
              .add("time", context.zone->text(one.hit->time))
              .add("event", one.hit->event)
              .add("messages_before", one.hit->messages)
              .add("messages_after", one.subject->messages - one.hit->messages);
          if (out.empty()) out = record.csv_header() + "\r\n";
          out += record.csv() + "\r\n";
        }
      }
    }
  }
  if (out.empty())
    out = "rule,period,limit,identity,label,time,event,messages_before,messages_after\r\n";
  return out;
}

}  // namespace agent
