#include "agent/notify/notice.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/config/notice_template.h"
#include "agent/core/attribution.h"
#include "agent/core/reason_kind.h"
#include "agent/notify/notice_json.h"
#include "agent/output/output_row.h"
#include "agent/output/text_table.h"
#include "agent/values/digest.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kColumns = 78;

std::string message_id(const Decision& decision, const std::string& host,
                       const std::string& about = "") {
  const auto what =
      fmt::format("{}\n{}\n{}\n{}\n{}", name_of(decision.identity_kind), folded(decision.identity),
                  decision.rule, decision.time.time_since_epoch().count(), decision.place.offset) +
      about;
  return notice_id(what, host);
}

// A value in an exipick criterion. exipick searches the whole criterion for " OPERATOR " and then
// has Perl evaluate the value between double quotes: only what means nothing to either stays.
std::string exipick_value(std::string_view value) {
  std::string out;
  for (const char c : value) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                       std::string_view("@.:_-").find(c) != std::string_view::npos;
    if (plain) {
      out.push_back(c);
    } else {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

// How exipick finds what this sender has in the queue. exipick knows no networks, so a network is
// asked for by the hosts it was seen with.
std::string queue_test(const Decision& decision) {
  if (!is_by_address(decision.identity_kind))
    return "$authenticated_id eq " + exipick_value(decision.identity);
  const bool network = decision.identity.find('/') != std::string::npos;
  if (!network || decision.hosts.empty())
    return "$sender_host_address eq " + exipick_value(decision.identity);
  std::string hosts;
  for (const auto& host : decision.hosts)
    hosts += (hosts.empty() ? "" : "|") + exipick_value(host.host);
  return "$sender_host_address =~ /^(" + hosts + ")$/";
}

// Exim counts from a message's arrival.
std::string kept_text(const Decision& decision, const Zone& zone, const NoticeContext& context) {
  if (!context.frozen_kept) return "";
  return fmt::format(
      "Exim keeps what is frozen until about {} ({} from\n"
      "its arrival), and then bounces it to its sender, who may be forged.\n",
      zone.short_text(decision.time + *context.frozen_kept), duration_text(*context.frozen_kept));
}

std::string commands(const Decision& decision, const Zone& zone, const NoticeContext& context) {
  const auto config = context.config_path.empty() ? "" : " -c " + shell_word(context.config_path);
  // Of a stranger there is nothing in the queue, and no password to change.
  if (decision.identity_kind == IdentityKind::host) {
    return fmt::format(
        "It was a mistake: free the host:\n    exiwarden unblock{} --exact --rule {} -- {}\n",
        config, shell_word(decision.rule), shell_word(decision.identity));
  }
  const auto exim = shell_word(context.exim_binary);
  // exipick can't know which other identities a mapped name stands for.
  const auto look =
      context.mapped
          ? fmt::format("Look at what it sent:\n    exiwarden evidence{} -- {}\n", config,
                        shell_word(decision.identity))
          : fmt::format("Look at what is frozen:\n    exipick -z {}\n    {} -Mvh ID; {} -Mvb ID\n",
                        shell_word(queue_test(decision)), exim, exim);
  const auto sender = fmt::format("{} --exact --rule {} -- {}", config, shell_word(decision.rule),
                                  shell_word(decision.identity));
  return look + kept_text(decision, zone, context) +
         fmt::format(
             "\nIt was a mistake: release the sender and the mail:\n"
             "    exiwarden release{}\n\n"
             "It was spam: change the password, then delete the mail and release the sender:\n"
             "    exiwarden unblock --delete{}\n",
             sender, sender);
}

// "2026-11-23 12:42:35 (1h, the 2nd block in a row), or until " for blocks that end.
std::string until_text(const Decision& decision, const Zone& zone) {
  if (!decision.until) return "";
  const auto row =
      decision.times > 1 ? fmt::format(", block number {} in a row", decision.times) : "";
  return fmt::format("{}\n({}{}), or until ", zone.short_text(*decision.until),
                     duration_text(*decision.until - decision.time), row);
}

std::string what_of(const Decision& decision) {
  return decision.what.empty() ? noun(decision.count, "refused recipient") : decision.what;
}

// "100 recipients it tried to reach do not exist", or "40 networks were counted in its log lines".
std::string because(const Decision& decision) {
  if (!decision.refusals)
    return fmt::format("{} {} counted in its log lines", decision.count,
                       what_of(decision) + (decision.count == 1 ? " was" : " were"));
  return fmt::format("{} {} it tried to reach {}", decision.count,
                     noun(decision.count, "recipient"),
                     noun(decision.count, "does not exist", "do not exist"));
}

// A mail may be read in another zone than that of the log.
std::string between(const Decision& decision, const Zone& zone) {
  return fmt::format("between {} and {} (UTC{})", zone.short_text(decision.first),
                     zone.short_text(decision.time), zone.text(decision.time).substr(19));
}

std::string hosts_text(const Decision& decision) {
  std::string text;
  auto hosts = decision.hosts;
  std::stable_sort(hosts.begin(), hosts.end(),
                   [](const HostCount& a, const HostCount& b) { return a.count > b.count; });
  for (const auto& host : hosts)
    text += fmt::format("    {:>7}  {}\n", host.count, printable(host.host, 60));
  if (decision.other_hosts > 0)
    text += fmt::format("    {:>7}  further hosts\n", decision.other_hosts);
  return text;
}

std::string recipients_text(const Decision& decision, const Zone& zone) {
  std::string text, last;
  for (const auto& sample : decision.samples) {
    text += fmt::format("    {}  {}\n", zone.short_text(Instant(std::chrono::seconds(sample.time))),
                        printable(sample.recipient, kColumns - 26));
    const auto reason = reason_kind(sample.reason);
    if (!reason.empty() && reason != std::exchange(last, reason))
      text += fmt::format("        {}\n", printable(reason, kColumns - 8));
  }
  return text;
}

std::string evidence(const Decision& decision, const Zone& zone) {
  std::string farm;
  for (const auto& host : decision.farm)
    farm += fmt::format("    {:>7}  {}\n", host.count, printable(host.host, 60));
  if (!farm.empty())
    farm = "Counted by these mail hosts together (" + what_of(decision) + ", host):\n" + farm +
           "\nWhat follows is what this one has seen.\n\n";
  if (decision.refusals) {
    return farm + "Hosts used (refused recipients, host):\n" + hosts_text(decision) +
           "\nThe newest refused recipients, a reason under the first that it met:\n" +
           recipients_text(decision, zone);
  }
  const auto newest = recipients_text(decision, zone);
  return farm + "Hosts used from half of the limit on (events, host):\n" + hosts_text(decision) +
         (newest.empty() ? "" : "\nThe newest events, a reason under the first that had it:\n") +
         newest;
}

}  // namespace

std::string notice_id(const std::string& what, const std::string& host) {
  std::string domain;
  for (const char c : host) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                      c == '-' || c == '.';
    if (good) domain.push_back(c);
  }
  while (domain.starts_with('.')) domain.erase(0, 1);
  while (domain.ends_with('.')) domain.pop_back();
  return fmt::format("exiwarden.{}@{}", sha256_hex(what).substr(0, 32),
                     domain.empty() ? "localhost" : domain);
}

std::string shell_word(std::string_view text) {
  const auto acts = [](char c) {
    return static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f;
  };
  std::string out;
  if (std::none_of(text.begin(), text.end(), acts)) {
    for (const char c : text) {
      if (c == '\'') {
        out += "'\\''";
      } else {
        out.push_back(c);
      }
    }
    return "'" + out + "'";
  }
  // Command substitution takes newlines off the end, so those stand behind it.
  const auto last = text.find_last_not_of('\n');
  const auto body = text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  for (const char c : body) {
    // "!" is history to an interactive shell even here.
    if (acts(c) || std::string_view("'\\%!").find(c) != std::string_view::npos) {
      out += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    } else {
      out.push_back(c);
    }
  }
  const auto newlines = text.substr(body.size());
  return "\"$(printf -- '" + out + "')\"" +
         (newlines.empty() ? "" : "'" + std::string(newlines) + "'");
}

// In the words of the site, if it has any.
void apply_templates(const Decision& decision, const Zone& zone, const NoticeContext& context,
                     const char* event, const std::string& commands, Notice& notice) {
  notice.data = event_json(decision, zone, event, context.host);
  if (context.subject.empty() && context.body.empty()) return;
  const bool counted = decision.count > 0;  // false: a release, which no line of the log has led to
  std::vector<std::pair<std::string, std::string>> values{
      {"server", printable(context.host)},
      {"event", event},
      {"kind", std::string(name_of(decision.identity_kind))},
      {"identity", printable(decision.identity)},
      {"rule", printable(decision.rule)},
      {"count", counted ? std::to_string(decision.count) : ""},
      {"limit", counted ? std::to_string(decision.limit) : ""},
      {"period", counted ? duration_text(decision.period) : ""},
      {"time", zone.text(decision.time)},
      {"first", counted ? zone.text(decision.first) : ""},
      {"until", decision.until ? zone.text(*decision.until) : ""},
      {"list", printable(decision.list)},
      {"line",
       counted ? fmt::format("{}:{}", printable(decision.place.file), decision.place.line) : ""},
      {"list_line", printable(context.list_line)},
      {"hosts", hosts_text(decision)},
      {"recipients", recipients_text(decision, zone)},
      {"commands", commands},
      {"subject", notice.subject}};
  if (!context.subject.empty())
    notice.subject = printable(fill_template(context.subject, values), 200);
  values.back().second = notice.subject;
  if (!context.body.empty()) notice.body = fill_template(context.body, values);
}

Notice compose_watch(const Decision& decision, const Zone& zone, Instant now,
                     const NoticeContext& context) {
  Notice notice;
  notice.message_id = message_id(decision, context.host, "\nwatch");
  notice.date = now.time_since_epoch().count();
  const auto kind = name_of(decision.identity_kind);
  notice.subject = fmt::format("[{}] {} {} watched: {} of {} {} in {}", printable(context.host, 40),
                               kind, printable(decision.identity, 60), decision.count,
                               decision.limit, what_of(decision), duration_text(decision.period));
  const auto config = context.config_path.empty() ? "" : " -c " + shell_word(context.config_path);
  notice.body = fmt::format(
      "exiwarden on {} sees the {}\n\n"
      "    {}\n\n"
      "come near a limit: {},\n"
      "{}.\n"
      "Rule \"{}\" blocks at {} in {}. Nothing is blocked yet.\n\n",
      printable(context.host), kind, printable(decision.identity), because(decision),
      between(decision, zone), printable(decision.rule), decision.limit,
      duration_text(decision.period));
  const auto what_to_do = fmt::format(
      "Look at all of it:\n    exiwarden evidence{} -- {}\n\n"
      "Block the sender now:\n    exiwarden block{} --rule {} -- {}\n",
      config, shell_word(decision.identity), config, shell_word(decision.rule),
      shell_word(decision.identity));
  notice.body += evidence(decision, zone) + "\n" + what_to_do;
  apply_templates(decision, zone, context, "watched", what_to_do, notice);
  return notice;
}

Notice compose_notice(const Decision& decision, const Zone& zone, Instant now,
                      const NoticeContext& context) {
  Notice notice;
  notice.message_id = message_id(decision, context.host);
  notice.date = now.time_since_epoch().count();
  const auto kind = name_of(decision.identity_kind);
  notice.subject = fmt::format("[{}] {} {} blocked: {} {} in {}", printable(context.host, 40), kind,
                               printable(decision.identity, 60), decision.count, what_of(decision),
                               duration_text(decision.period));
  notice.body = fmt::format(
      "exiwarden on {} has blocked the {}\n\n"
      "    {}\n\n"
      "because {},\n"
      "{}.\n"
      "Rule \"{}\": {} in {}. The deciding line is\n"
      "{}:{}\n\n"
      "{}\n"
      "This holds until {}the line below is removed from\n"
      "    {}\n"
      "    {}\n\n",
      printable(context.host), kind, printable(decision.identity), because(decision),
      between(decision, zone), printable(decision.rule), decision.limit,
      duration_text(decision.period), printable(decision.place.file), decision.place.line,
      decision.identity_kind == IdentityKind::host
          ? "Exim refuses this host where its ACL says EXIWARDEN_HOST_BLOCKED."
          : "Exim freezes what this sender submits from now on; nothing more goes out.",
      until_text(decision, zone), printable(decision.list), printable(context.list_line));
  const auto what_to_do = commands(decision, zone, context);
  notice.body += evidence(decision, zone) + "\n" + what_to_do;
  apply_templates(decision, zone, context, "blocked", what_to_do, notice);
  return notice;
}

Notice compose_silence(const Silences::News& news, const Zone& zone, Instant now,
                       const std::string& host) {
  Notice notice;
  const auto since = zone.short_text(news.since), log = printable(news.path);
  notice.message_id = notice_id(
      fmt::format("silence\n{}\n{}", news.since.time_since_epoch().count(), news.path), host);
  notice.date = now.time_since_epoch().count();
  const auto name = news.path.substr(news.path.rfind('/') + 1);
  notice.subject = fmt::format("[{}] Exim's log {} has been silent since {}", printable(host, 40),
                               printable(name, 40), since);
  notice.body = fmt::format(
      "exiwarden on {} has read no new line of\n\n    {}\n\n"
      "since {}. Pauses of {} are usual at this hour.\n"
      "If Exim logs elsewhere now, nothing is counted and nobody is blocked.\n\n"
      "Check that Exim runs, and where it logs:\n"
      "    exiwarden status\n    exiwarden check\n",
      printable(host), log, since, duration_text(news.usual));
  OutputRow record;
  record.add("event", "silent")
      .add("server", host)
      .add("log", news.path)
      .add("since", zone.text(news.since));
  notice.data = record.json();
  return notice;
}

Notice compose_digest(const std::vector<const Notice*>& notices, const std::string& host) {
  constexpr std::size_t kRoom = std::size_t{512} * 1024;
  Notice digest;
  std::string ids, table, bodies;
  std::size_t left_out = 0, blocked = 0;
  for (const auto* notice : notices) {
    const bool block = notice->data.empty() || notice->data.starts_with(R"({"event":"blocked")");
    blocked += block ? 1 : 0;
    digest.data += (digest.data.empty() ? "" : "\n") + notice->data;
    ids += notice->message_id + "\n";
    digest.date = std::max(digest.date, notice->date);
    table += "    " + notice->subject + "\n";
    if (bodies.size() + notice->body.size() > kRoom) {
      ++left_out;
      continue;
    }
    bodies += "\n" + std::string(kColumns, '-') + "\n\n" + notice->body;
  }
  const auto& first = notices.front()->message_id;
  digest.message_id = "exiwarden." + sha256_hex(ids).substr(0, 32) + first.substr(first.find('@'));
  const auto others = notices.size() - blocked;
  const auto also = others > 0 ? fmt::format(", {} more", others) : "";
  digest.subject = fmt::format("[{}] {} {} blocked{}", printable(host, 40), blocked,
                               noun(blocked, "sender"), also);
  digest.body = fmt::format("exiwarden on {} has blocked {} {}{}:\n\n{}", printable(host), blocked,
                            noun(blocked, "sender"),
                            others > 0 ? fmt::format(", and reports {} more", others) : "", table);
  if (left_out > 0) digest.body += fmt::format("\nDetails of {} are left out below.\n", left_out);
  digest.body += bodies;
  return digest;
}

}  // namespace agent
