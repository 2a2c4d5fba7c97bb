#include "agent/report/dossier_page.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/config/config_dump.h"
#include "agent/output/text_table.h"
#include "agent/output/version.h"
#include "agent/report/html.h"
#include "agent/report/replay_text.h"
#include "agent/report/timeline.h"
#include "agent/values/duration.h"

namespace agent {
namespace {

constexpr std::size_t kTop = 20, kShownMessages = 50, kShownFrozen = 100, kShownNotes = 60;

std::string mono(std::string_view bytes, std::size_t columns = 200) {
  return "<span class=\"m\">" + html_text(bytes, columns) + "</span>";
}

std::string card(const char* kind, std::uint64_t number, const char* words) {
  return html_card(kind, grouped(number), words);
}

std::string tally(const char* heading, const char* name, const Tally& tally) {
  if (tally.counts.empty()) return "";
  Tally::Count rest;
  std::vector<std::vector<std::string>> rows;
  for (const auto& [key, count] : tally.top(kTop, rest)) {
    rows.push_back({key.empty() ? "<span class=\"soft\">none</span>" : mono(key),
                    grouped(count.refused), grouped(count.accepted)});
  }
  if (rest.refused + rest.accepted > 0) {
    rows.push_back({fmt::format("<span class=\"soft\">{} more</span>",
                                grouped(tally.counts.size() - std::min(kTop, tally.counts.size()))),
                    grouped(rest.refused), grouped(rest.accepted)});
  }
  return fmt::format("<h3>{}</h3>\n", heading) + html_table({name, "#refused", "#accepted"}, rows);
}

const OnThisHost* on_this_host(const Dossier& dossier, const ReportContext& context) {
  const auto found = context.standing.find(&dossier);
  return found == context.standing.end() ? nullptr : &found->second;
}

std::string keep(std::string_view bytes) {
  return "<span class=\"m k\">" + html_text(bytes, 40) + "</span>";
}

std::string state_of(const MessageStory& story) {
  if (story.removed) return "removed";
  if (story.frozen) return "frozen";
  return story.completed ? "completed" : "not done yet";
}

std::string messages(const Dossier& dossier, const Zone& zone) {
  if (dossier.stories.empty()) return "";
  std::vector<std::vector<std::string>> rows;
  // The newest ones are those a dispute is about; what is frozen comes first of all.
  std::vector<const MessageStory*> shown;
  for (const auto& story : dossier.stories) shown.push_back(&story);
  std::stable_sort(shown.begin(), shown.end(), [](const auto* a, const auto* b) {
    return a->frozen != b->frozen ? a->frozen : a->time > b->time;
  });
  const bool subjects = std::any_of(shown.begin(), shown.end(),
                                    [](const auto* story) { return !story->subject.empty(); });
  std::vector<std::string> titles{"message", "time", "sender"};
  if (subjects) titles.emplace_back("subject");
  titles.insert(titles.end(), {"#size", "#delivered", "#failed", "state"});
  for (const auto* story : shown) {
    if (rows.size() == kShownMessages) break;
    std::vector<std::string> row{keep(story->id), html_time(zone, story->time),
                                 mono(story->sender.empty() ? "<>" : story->sender, 60)};
    if (subjects) row.push_back(html_text(story->subject, 80));
    row.insert(row.end(), {grouped(story->size), grouped(story->delivered), grouped(story->failed),
                           "<span class=\"k\">" + state_of(*story) + "</span>"});
    rows.push_back(std::move(row));
  }
  std::string out = "<h3>Messages accepted</h3>\n" + html_table(titles, rows);
  if (dossier.messages > rows.size()) {
    out += fmt::format("<p class=\"soft\">The newest {} of {} messages.</p>\n", rows.size(),
                       grouped(dossier.messages));
  }
  return out;
}

std::string decisions(const Dossier& dossier, const Zone& zone) {
  if (dossier.decisions.empty()) return "<p>No limit was reached.</p>\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& decision : dossier.decisions) {
    const auto* trial = decision.mode == RuleMode::trial ? " (on trial)" : "";
    rows.push_back({html_text(decision.rule + trial), html_time(zone, decision.time),
                    html_text(fmt::format("{} in {} (limit {})", decision.count,
                                          duration_text(decision.period), decision.limit)),
                    html_time(zone, decision.first),
                    mono(fmt::format("{}:{}", decision.place.file, decision.place.line))});
  }
  return html_table({"rule", "decided", "in the window", "since", "by line"}, rows);
}

std::string lines(const Dossier& dossier) {
  const auto quotes = dossier.quotes();
  if (quotes.empty()) return "";
  std::string out =
      "<h3>Log lines</h3>\n<p class=\"soft\">The first ones, those up to a decision, and the last "
      "ones: file:line, offset of the first byte in the unpacked file, text.</p>\n<pre>";
  for (const auto& quote : quotes) {
    out +=
        fmt::format("{}{}:{} @{}{}\n{}\n", quote.decided ? "<span class=\"hit\">" : "",
                    html_text(quote.file, 200), quote.line, quote.offset,
                    quote.decided ? "  reached the limit</span>" : "", html_text(quote.text, 600));
  }
  return out + "</pre>\n";
}

// What happened, in a few sentences.
std::string lede(const Dossier& dossier, const Zone& zone) {
  if (dossier.decisions.empty()) return "<p class=\"lede\">No limit was reached.</p>\n";
  const auto& decision = dossier.decisions.front();
  const auto before = [&](std::uint64_t all, std::uint64_t after) { return grouped(all - after); };
  return fmt::format(
      "<p class=\"lede\">At <b>{}</b> it reached the limit of rule {}: <b>{}</b> recipients that "
      "do "
      "not exist within {}, the first of them at {}. Until then {} messages to {} recipients had "
      "been "
      "accepted from it. After it, {} messages to {} recipients were accepted and {} more "
      "recipients "
      "refused: that is what a block at that moment would have stopped.</p>\n",
      html_time(zone, decision.time), html_text(decision.rule), grouped(decision.count),
      duration_text(decision.period), html_time(zone, decision.first),
      before(dossier.messages, dossier.messages_after),
      before(dossier.recipients, dossier.recipients_after), grouped(dossier.messages_after),
      grouped(dossier.recipients_after), grouped(dossier.refused_after));
}

std::string pair(const std::string& left, const std::string& right) {
  if (left.empty() || right.empty()) return left + right;
  return "<div class=\"pair\"><div>" + left + "</div><div>" + right + "</div></div>\n";
}

// In the lists and in the queue of this machine, at the moment of asking.
std::string now(const Dossier& dossier, const ReportContext& context) {
  const auto* standing = on_this_host(dossier, context);
  if (standing == nullptr) return "";
  std::string out = "<h3>Blocked now</h3>\n";
  if (standing->listed.empty()) out += "<p>In no list.</p>\n";
  for (const auto& line : standing->listed)
    out += "<pre>" + html_text(line.list + ": " + line.data, 400) + "</pre>\n";
  if (!standing->farm.empty()) out += "<h3>In the farm</h3>\n";
  for (const auto& line : standing->farm) out += "<p>" + html_text(line, 2000) + "</p>\n";
  out += "<h3>Frozen now</h3>\n<p>" + html_text(standing->note, 500) + "</p>\n";
  if (standing->frozen.empty()) return out;
  std::map<std::string_view, const MessageStory*> stories;
  for (const auto& story : dossier.stories) stories.emplace(story.id, &story);
  std::vector<std::vector<std::string>> rows;
  for (const auto& message : standing->frozen) {
    if (rows.size() == kShownFrozen) break;
    const auto story = stories.find(message.id);
    const Instant received{std::chrono::seconds(message.received)};
    rows.push_back({keep(message.id), html_time(*context.zone, received), mono(message.host, 60),
                    story == stories.end() ? "" : mono(story->second->sender, 60),
                    story == stories.end() ? "" : html_text(story->second->subject, 80),
                    grouped(message.size)});
  }
  out += html_table({"message", "received", "from host", "sender", "subject", "#size"}, rows);
  if (standing->frozen.size() > rows.size()) {
    out += fmt::format("<p class=\"soft\">and {} more</p>\n",
                       grouped(standing->frozen.size() - rows.size()));
  }
  return out;
}

std::string section(const Dossier& dossier, const ReportContext& context) {
  const auto& zone = *context.zone;
  std::string out =
      fmt::format("<h2>{} {}</h2>\n", name_of(dossier.kind()), html_text(dossier.identity(), 200));
  std::vector<std::string> others;
  for (const auto& name : dossier.spellings) {
    if (name != dossier.identity() && others.size() < 10) others.push_back(mono(name));
  }
  if (!others.empty()) out += fmt::format("<p>Also as {}</p>\n", fmt::join(others, ", "));
  if (dossier.first) {
    out += fmt::format("<p class=\"soft\">In these logs from {} to {}.</p>\n",
                       html_time(zone, *dossier.first), html_time(zone, *dossier.last));
  }
  out += lede(dossier, zone) + "<div class=\"cards\">\n" +
         card("bad", dossier.refused, "recipients refused") +
         (dossier.other_refused > 0 ? card("", dossier.other_refused, "refused for other reasons")
                                    : "") +
         card("", dossier.messages, "messages accepted") +
         card("good", dossier.recipients, "recipients accepted") +
         card("", dossier.failed, "of them failed later");
  if (!dossier.decisions.empty()) {
    out += card("", dossier.messages_after, "messages a block would have stopped") +
           card("", dossier.recipients_after, "recipients of those");
  }
  out += "</div>\n";
  if (dossier.other_refused > 0) {
    out += fmt::format(
        "<p class=\"soft\">The tables below count all {} refusals: the {} of recipients that do "
        "not "
        "exist, and the {} for other reasons (policy, a full mailbox, for now), which never "
        "count.</p>\n",
        grouped(dossier.refused + dossier.other_refused), grouped(dossier.refused),
        grouped(dossier.other_refused));
  }
  return out + timeline_svg(dossier, zone) + "<h3>Decisions</h3>\n" + decisions(dossier, zone) +
         now(dossier, context) +
         pair(tally("Client hosts", "address", dossier.hosts),
              tally("Names given in HELO", "name", dossier.helos)) +
         pair(tally("Recipients by domain", "domain", dossier.domains),
              tally("Envelope senders", "sender", dossier.senders)) +
         tally("Reasons", "reason", dossier.reasons) + messages(dossier, zone) + lines(dossier);
}

std::string overview(const std::vector<const Dossier*>& dossiers, const Zone& zone) {
  std::vector<std::vector<std::string>> rows;
  constexpr std::size_t kMost = 500;
  for (const auto* dossier : dossiers) {
    if (rows.size() == kMost) break;
    const auto& decision = dossier->decisions.front();
    rows.push_back({"<span class=\"m id\">" + html_text(dossier->identity(), 200) + "</span>",
                    "<span class=\"k\">" + html_text(decision.rule, 40) + "</span>",
                    html_time(zone, decision.time), grouped(dossier->refused),
                    grouped(dossier->messages - dossier->messages_after),
                    grouped(dossier->messages_after), grouped(dossier->recipients_after)});
  }
  auto out = html_table({"identity", "rule", "decided", "#refused", "#messages before",
                         "#messages after", "#recipients after"},
                        rows);
  if (dossiers.size() > kMost) {
    out += fmt::format("<p class=\"soft\">and {} more</p>\n", grouped(dossiers.size() - kMost));
  }
  return out;
}

std::string origin(const std::vector<const Dossier*>& dossiers, const ReportContext& context) {
  std::vector<std::vector<std::string>> rows;
  std::set<std::string> files;
  for (const auto* dossier : dossiers) files.insert(dossier->files.begin(), dossier->files.end());
  for (const auto& file : files) {
    if (rows.size() == 200) break;
    const auto digest = context.digests.find(file);
    rows.push_back({mono(file), digest == context.digests.end()
                                    ? "<span class=\"soft\">can't be read again</span>"
                                    : mono(digest->second)});
  }
  std::string out = "<h2>Where this comes from</h2>\n";
  if (!rows.empty()) out += html_table({"log file", "SHA-256 of the file on disk"}, rows);
  if (files.size() > rows.size()) {
    out += fmt::format("<p class=\"soft\">and {} more files</p>\n", files.size() - rows.size());
  }
  if (!context.selection.empty()) {
    out += "<p>Only a part was looked at: " + mono(context.selection, 400) + "</p>\n";
  }
  if (!context.notes.empty()) {
    out += "<h3>About these logs</h3>\n<pre>";
    for (std::size_t i = 0; i < std::min(kShownNotes, context.notes.size()); ++i) {
      out += html_text(context.notes[i], 400) + "\n";
    }
    if (context.notes.size() > kShownNotes) {
      out += fmt::format("and {} more remarks\n", context.notes.size() - kShownNotes);
    }
    out += "</pre>\n";
  }
  if (context.partial) out += "<p class=\"hit\">Not all logs could be read to their end.</p>\n";
  if (!context.csv.empty()) {
    out += "<p>The full tables are in " + mono(context.csv) + ".</p>\n";
  }
  out += "<h3>Configuration</h3>\n<pre>";
  const auto config = shown_config(*context.config);
  for (std::size_t begin = 0; begin < config.size();) {
    const auto end = std::min(config.find('\n', begin), config.size());
    out += html_text(std::string_view(config).substr(begin, end - begin), 300) + "\n";
    begin = end + 1;
  }
  return out + "</pre>\n<footer>exiwarden " + std::string(kVersion) + "</footer>\n";
}

}  // namespace

std::string dossier_page(const std::vector<const Dossier*>& dossiers,
                         const ReportContext& context) {
  const bool alone = dossiers.size() == 1;
  std::string title = alone ? "Evidence: " + dossiers.front()->identity()
                            : fmt::format("{} senders over the limit", dossiers.size());
  std::string body = fmt::format("<h1>{}</h1>\n", html_text(title, 200));
  body +=
      "<p class=\"soft\">What Exim's log says about recipients that do not exist, and who tried "
      "them.</p>\n";
  if (dossiers.empty()) body += "<p>No limit was reached.</p>\n";
  if (dossiers.size() > 1) body += overview(dossiers, *context.zone);
  const auto end = origin(dossiers, context);
  std::size_t told = 0;
  for (const auto* dossier : dossiers) {
    const auto next = section(*dossier, context);
    if (!alone && body.size() + next.size() + end.size() > kMaxPage) break;
    body += next;
    ++told;
  }
  if (told < dossiers.size()) {
    body += fmt::format(
        "<p>{} more do not fit in a page; their figures are in the table above"
        "{}.</p>\n",
        grouped(dossiers.size() - told), context.csv.empty() ? "" : " and the file beside");
  }
  return html_page(title, body + end);
}

}  // namespace agent
