#include "agent/notify/action_notices.h"

#include <fmt/format.h>

#include "agent/core/attribution.h"
#include "agent/notify/notice_json.h"
#include "agent/output/decision_text.h"
#include "agent/output/text_table.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

std::string event_id(const Decision& decision, Edge edge, const NoticeContext& context) {
  return notice_id(
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", name_of(edge), name_of(decision.identity_kind),
                  folded(decision.identity), decision.rule, decision.list,
                  decision.time.time_since_epoch().count()),
      context.host);
}

std::string release_json(const Decision& released, Edge edge, const Zone& zone,
                         const NoticeContext& context) {
  OutputRow record;
  record.add("event", name_of(edge))
      .add("server", context.host)
      .add("time", zone.text(released.time))
      .add_optional("rule", released.rule.empty() ? std::nullopt
                                                  : std::optional<std::string_view>(released.rule))
      .add("identity_kind", name_of(released.identity_kind))
      .add("identity", released.identity)
      .add("list", released.list);
  return record.json();
}

// "account alice@example.org", "server 192.0.2.7"
std::string customers(const Decision& decision, std::size_t room) {
  return fmt::format("{} {}", is_by_address(decision.identity_kind) ? "server" : "account",
                     printable(decision.identity, room));
}

// What was seen of the account, as the end of a sentence.
std::string seen(const Decision& decision) {
  if (!decision.refusals) return "what it sends looks as if somebody else used it.";
  return fmt::format("within {} it was addressed to\n{} that {}.", duration_text(decision.period),
                     counted(decision.count, "recipient"),
                     noun(decision.count, "does not exist", "do not exist"));
}

// What to do about it. Only refusals can come from an old list of recipients.
std::string advice(const Decision& decision) {
  std::string stolen =
      "If you did not send that mail, somebody else knows your password:\n"
      "change it now, and then in every program and phone that uses it.\n"
      "Have the computers checked that it was used on.\n";
  if (!decision.refusals) return stolen;
  return stolen +
         "\nIf you did send it, your list of recipients is out of date. Please remove\n"
         "the addresses that came back before you use it again.\n";
}

std::string blocked_text(const Decision& decision, const Zone& zone) {
  const auto again =
      decision.until
          ? fmt::format("Sending works again from {} on.\n", zone.short_text(*decision.until))
          : std::string("Please contact our support when that is done.\n");
  return fmt::format("Mail from your {}\nis held back since {} (UTC{}): {}\n\n{}\n{}",
                     customers(decision, 200), zone.short_text(decision.time),
                     zone.text(decision.time).substr(19), seen(decision), advice(decision), again);
}

std::string watched_text(const Decision& decision, const Zone& zone) {
  return fmt::format(
      "Mail from your {}\nwas noticed at {} (UTC{}): {}\nIf that goes on, it will be held "
      "back.\n\n{}",
      customers(decision, 200), zone.short_text(decision.time), zone.text(decision.time).substr(19),
      seen(decision), advice(decision));
}

}  // namespace

Notice compose_release(const Decision& released, Edge edge, const Zone& zone,
                       const NoticeContext& context) {
  const bool ended = edge == Edge::ended;
  const auto kind = name_of(released.identity_kind);
  Notice notice;
  notice.message_id = event_id(released, edge, context);
  notice.date = released.time.time_since_epoch().count();
  notice.subject = fmt::format("[{}] {} {} {}", printable(context.host, 40), kind,
                               printable(released.identity, 60),
                               ended ? "free again: its block has ended" : "freed");
  notice.body = fmt::format(
      "On {} the {}\n\n    {}\n\nis free again since {}: {}.\n"
      "It counts anew from there. It was listed in\n    {}\n",
      printable(context.host), kind, printable(released.identity), zone.short_text(released.time),
      ended ? "its block has ended" : "somebody took its line out", printable(released.list));
  apply_templates(released, zone, context, name_of(edge), "", notice);
  notice.data = release_json(released, edge, zone, context);
  return notice;
}

Notice compose_trial(const Decision& decision, const Zone& zone, Instant now,
                     const NoticeContext& context) {
  Notice notice;
  notice.message_id = event_id(decision, Edge::trial, context);
  notice.date = now.time_since_epoch().count();
  notice.subject = fmt::format("[{}] {} {} on trial: rule {} would have blocked it",
                               printable(context.host, 40), name_of(decision.identity_kind),
                               printable(decision.identity, 60), printable(decision.rule));
  const auto config = context.config_path.empty() ? "" : " -c " + shell_word(context.config_path);
  const auto what_to_do = fmt::format("Look at it:\n    exiwarden evidence{} -- {}\n", config,
                                      shell_word(decision.identity));
  notice.body = fmt::format(
      "A rule on trial (mode = \"trial\") on {} would have blocked\n\n    {}\n\n"
      "Nobody was blocked.\n{}",
      printable(context.host), text_of(decision, zone), what_to_do);
  apply_templates(decision, zone, context, name_of(Edge::trial), what_to_do, notice);
  return notice;
}

Notice compose_for_customer(const Decision& decision, Edge edge, const Zone& zone,
                            const NoticeContext& context, Notice notice) {
  const auto whose = customers(decision, 60);
  if (edge == Edge::blocked) {
    notice.subject = fmt::format("Mail from your {} is held back", whose);
    notice.body = blocked_text(decision, zone);
  } else if (edge == Edge::watched) {
    notice.subject = fmt::format("Please check the mail from your {}", whose);
    notice.body = watched_text(decision, zone);
  } else {
    notice.subject = fmt::format("Your {} can send mail again", whose);
    notice.body =
        fmt::format("Your {}\ncan send mail again since {} (UTC{}).\n", customers(decision, 200),
                    zone.short_text(decision.time), zone.text(decision.time).substr(19));
  }
  const auto data = notice.data;
  apply_templates(decision, zone, context, name_of(edge), "", notice);
  notice.data = data;
  return notice;
}

}  // namespace agent
