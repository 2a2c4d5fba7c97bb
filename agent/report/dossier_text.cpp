#include <fmt/format.h>

#include <algorithm>

#include "agent/output/relative_time.h"
#include "agent/output/text_table.h"
#include "agent/report/dossier_page.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using Align = TextTable::Align;
constexpr std::size_t kTop = 10, kShownMessages = 10;

std::string tally(const char* name, const Tally& tally) {
  if (tally.counts.empty()) return "";
  Tally::Count rest;
  TextTable table({{name, Align::left}, {"refused", Align::right}, {"accepted", Align::right}}, 2);
  for (const auto& [key, count] : tally.top(kTop, rest)) {
    table.row({key.empty() ? "none" : printable(key, 58), grouped(count.refused),
               grouped(count.accepted)});
  }
  if (rest.refused + rest.accepted > 0) {
    table.row(
        {fmt::format("{} more", grouped(tally.counts.size() - std::min(kTop, tally.counts.size()))),
         grouped(rest.refused), grouped(rest.accepted)});
  }
  return "\n" + table.text();
}

std::string messages(const Dossier& dossier, const Zone& zone) {
  if (dossier.stories.empty()) return "";
  TextTable table({{"newest messages", Align::left},
                   {"time", Align::left},
                   {"delivered", Align::right},
                   {"failed", Align::right}},
                  2);
  const auto shown = std::min(kShownMessages, dossier.stories.size());
  for (std::size_t i = dossier.stories.size(); i > dossier.stories.size() - shown; --i) {
    const auto& story = dossier.stories[i - 1];
    table.row({printable(story.id), zone.short_text(story.time), grouped(story.delivered),
               grouped(story.failed)});
    if (story.frozen || !story.subject.empty()) {
      const auto* frozen = !story.frozen ? "" : story.subject.empty() ? "frozen" : "frozen  ";
      table.note(frozen + printable(story.subject, 60));
    }
  }
  return "\n" + table.text();
}

std::string frozen(const OnThisHost& standing, const Zone& zone) {
  std::string out = "\n" + wrapped(printable(standing.note), 2);
  if (standing.frozen.empty()) return out;
  TextTable table({{"frozen now", Align::left},
                   {"received", Align::left},
                   {"from host", Align::left},
                   {"size", Align::right}},
                  2);
  for (const auto& message : standing.frozen) {
    table.row({printable(message.id),
               zone.short_text(Instant(std::chrono::seconds(message.received))),
               printable(message.host), grouped(message.size)});
  }
  return out + table.text();
}

std::string blocked_here(const BlockedHere& line, const Zone& zone, Instant now) {
  if (!line.by)
    return wrapped("blocked by hand: " + printable(line.data), 2) + "    in " +
           printable(line.list) + "\n";
  auto out = *line.by == "exiwarden" ? "blocked by rule " + printable(line.rule)
                                     : "blocked by hand, by " + printable(*line.by) + ",";
  if (line.since)
    out += fmt::format(" since {}, {}", zone.short_text(*line.since), ago_text(*line.since, now));
  if (line.until)
    out += fmt::format("; until {}, {}", zone.short_text(*line.until), left_text(*line.until, now));
  return wrapped(out, 2) + "    in " + printable(line.list) + "\n";
}

// One cell of RFC 4180. A spreadsheet takes what begins with one of these for a formula.
std::string cell(std::string_view bytes) {
  auto text = printable(bytes);
  if (!text.empty() && std::string_view("=+-@").find(text[0]) != std::string_view::npos) {
    text.insert(0, "'");
  }
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out.push_back('"');
    out.push_back(c);
  }
  return out + '"';
}

}  // namespace

std::string dossier_text(const Dossier& dossier, const ReportContext& context) {
  const auto& zone = *context.zone;
  std::string out = fmt::format("{} {}\n", name_of(dossier.kind()), printable(dossier.identity()));
  if (dossier.first) {
    out += fmt::format("  in these logs from {} to {}\n", zone.short_text(*dossier.first),
                       zone.short_text(*dossier.last));
  }
  const auto found = context.standing.find(&dossier);
  const auto* standing = found == context.standing.end() ? nullptr : &found->second;
  if (standing != nullptr) {
    for (const auto& line : standing->listed) out += blocked_here(line, zone, context.now);
    if (standing->listed.empty()) out += "  not blocked now\n";
    if (!standing->farm.empty()) out += "  in the farm:\n";
    for (const auto& line : standing->farm) out += wrapped(printable(line), 4);
  }
  out += fmt::format("\n  {:>9} {} refused\n  {:>9} {} accepted, to {} ({} failed later)\n",
                     grouped(dossier.refused), noun(dossier.refused, "recipient"),
                     grouped(dossier.messages), noun(dossier.messages, "message"),
                     counted(dossier.recipients, "recipient"), grouped(dossier.failed));
  if (dossier.other_refused > 0) {
    out +=
        fmt::format("  {:>9} refusals for other reasons, which do not count (temporary, policy)\n",
                    grouped(dossier.other_refused));
    out += fmt::format("  {:>9} in all: what the tables below count as refused\n",
                       grouped(dossier.refused + dossier.other_refused));
  }
  for (const auto& decision : dossier.decisions) {
    out += fmt::format(
        "\n  Rule {}{} reached {} in {} at {}\n    since {}, by\n    {}:{}\n",
        printable(decision.rule), decision.mode == RuleMode::trial ? " (on trial)" : "",
        decision.limit, duration_text(decision.period), zone.short_text(decision.time),
        zone.short_text(decision.first), printable(decision.place.file), decision.place.line);
  }
  if (!dossier.decisions.empty()) {
    out += wrapped(fmt::format("A block at that moment would have stopped {} to {}, and {}.",
                               counted(dossier.messages_after, "message"),
                               counted(dossier.recipients_after, "recipient"),
                               counted(dossier.refused_after, "more attempt")),
                   4);
  }
  out += tally("client host", dossier.hosts) + tally("name in HELO", dossier.helos) +
         tally("recipient domain", dossier.domains) + tally("reason", dossier.reasons) +
         tally("envelope sender", dossier.senders) + messages(dossier, zone);
  if (standing != nullptr) out += frozen(*standing, zone);
  if (!context.digests.empty()) out += "\n  SHA-256 of the files\n";
  for (const auto& [file, digest] : context.digests)
    out += fmt::format("  {}\n    {}\n", digest, printable(file));
  const auto quotes = dossier.quotes();
  if (!quotes.empty()) out += "\n  log lines\n";
  for (const auto& quote : quotes) {
    out += fmt::format("{}:{}:{} {}\n", printable(quote.file), quote.line,
                       quote.decided ? " reached the limit:" : "", printable(quote.text));
  }
  return out;
}

std::string dossier_csv(const std::vector<const Dossier*>& dossiers, const ReportContext& context) {
  std::string out = "identity,table,name,refused,accepted,time,host,sender,size,subject\r\n";
  for (const auto* dossier : dossiers) {
    const auto identity = cell(dossier->identity());
    const auto add = [&](const char* table, const Tally& tally) {
      Tally::Count rest;
      for (const auto& [key, count] : tally.top(tally.counts.size(), rest)) {
        out += fmt::format("{},{},{},{},{},,,,,\r\n", identity, table, cell(key), count.refused,
                           count.accepted);
      }
      if (rest.refused + rest.accepted > 0) {
        out += fmt::format("{},{},\"all others\",{},{},,,,,\r\n", identity, table, rest.refused,
                           rest.accepted);
      }
    };
    for (const auto& decision : dossier->decisions) {
      out += fmt::format("{},decision,{},{},,{},,,,\r\n", identity, cell(decision.rule),
                         decision.count, context.zone->text(decision.time));
    }
    add("host", dossier->hosts);
    add("helo", dossier->helos);
    add("domain", dossier->domains);
    add("reason", dossier->reasons);
    add("sender", dossier->senders);
    if (const auto now = context.standing.find(dossier); now != context.standing.end()) {
      for (const auto& message : now->second.frozen) {
        out += fmt::format("{},frozen,{},,,{},{},,{},\r\n", identity, cell(message.id),
                           context.zone->text(Instant(std::chrono::seconds(message.received))),
                           cell(message.host), message.size);
      }
    }
    for (const auto& story : dossier->stories) {
      out += fmt::format("{},message,{},{},{},{},{},{},{},{}\r\n", identity, cell(story.id),
                         story.failed, story.delivered, context.zone->text(story.time),
                         cell(story.host), cell(story.sender), story.size, cell(story.subject));
    }
  }
  return out;
}

}  // namespace agent
