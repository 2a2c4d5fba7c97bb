#include "agent/service/announcer.h"

#include <fmt/format.h>

#include <utility>

#include "actions/exim/exim_settings.h"
#include "actions/lists/lsearch.h"
#include "agent/core/list_lines.h"
#include "agent/notify/action_notices.h"
#include "agent/notify/exemption_notice.h"
#include "agent/notify/notifier.h"
#include "agent/values/duration.h"
#include "agent/values/printable.h"

namespace agent {

Announcer::Announcer(const EngineContext& context, const Pipeline& pipeline,
                     const ListKeeper& lists, CheckpointWriter& checkpoints, NoticeSender& mailer,
                     ActionRunner& actions)
    : context_(context),
      pipeline_(pipeline),
      lists_(lists),
      checkpoints_(checkpoints),
      actions_(actions),
      outbox_(mailer, context.options.host, context.config.notify.max_per_hour,
              context.options.say) {}

void Announcer::log_decision(const Decision& decision) {
  ++decisions_;
  context_.options.on_decision(decision, context_.zone);
}

std::string Announcer::list_data_for(const Decision& decision) const {
  return list_data(decision, context_.zone, spool_space());
}

// Blocks do not wait for the figure: without it the ACL's guard does nothing for this sender.
std::optional<std::uint64_t> Announcer::spool_space() const {
  if (!context_.config.exim.spool_guard) return std::nullopt;
  const auto& spool = context_.trust.spool;
  const auto space = spool.empty()
                         ? actions::Result<std::uint64_t>(actions::Error{
                               actions::Errc::not_found, 0, "Exim does not say where its spool is"})
                         : actions::free_space(spool);
  if (space) return space.value();
  context_.options.say("exim.spool_guard: " + printable(space.error().what));
  return std::nullopt;
}

Announcement Announcer::of_block(const Decision& decision, const std::string& identity,
                                 const std::string& data) const {
  const auto context = block_context(decision, identity, data);
  const auto compose = [&](const NoticeContext& in) {
    return compose_notice(decision, context_.zone, context_.now.wall, in);
  };
  Announcement announcement;
  if (wants_notices(context_.config.notify)) announcement.notice = compose(context);
  announcement.actions = for_actions(Edge::blocked, decision, {decision.rule}, context, compose);
  return announcement;
}

void Announcer::send(Announcement announcement) {
  if (announcement.notice) outbox_.add(std::move(*announcement.notice));
  for (auto& action : announcement.actions) actions_.add(std::move(action));
}

// Each in the words that its action is configured with. A Message-ID of its own, so that no system
// takes it for a copy of the desk's notice.
std::vector<ActionNotice> Announcer::for_actions(Edge edge, const Decision& about,
                                                 const std::vector<std::string>& rules,
                                                 const NoticeContext& context,
                                                 const Compose& compose) const {
  std::vector<ActionNotice> notices;
  for (const auto* action : actions_.wanting(edge, rules)) {
    auto words = context;
    words.subject = action->via.subject;
    words.body = action->via.body;
    auto notice = compose(words);
    if (!action->via.to_file.empty())
      notice = compose_for_customer(about, edge, context_.zone, words, std::move(notice));
    notice.message_id = notice_id(notice.message_id + "\n" + action->name, context.host);
    notices.push_back({action->name, std::move(notice)});
  }
  return notices;
}

void Announcer::released(std::size_t list, const std::string& key, Edge edge) {
  if (context_.options.dry_run) return;
  const auto& where = pipeline_.counting().lists()[list];
  Decision decision;
  decision.identity_kind = where.kind;
  decision.identity = key;
  decision.list = where.path;
  decision.time = context_.now.wall;
  std::vector<std::string> rules;
  for (const auto& rule : context_.config.rules) {
    if (rule.mode == RuleMode::block && rule.list == where.path) rules.push_back(rule.name);
  }
  if (rules.size() == 1) decision.rule = rules.front();
  const auto compose = [&](const NoticeContext& in) {
    return compose_release(decision, edge, context_.zone, in);
  };
  send({std::nullopt, for_actions(edge, decision, rules, notice_context(decision), compose)});
}

// Adds the line, and what is wrong with it.
NoticeContext Announcer::block_context(const Decision& decision, const std::string& identity,
                                       const std::string& data) const {
  auto context = notice_context(decision);
  const auto line = actions::list_line(identity, data).value_or("\n");
  context.list_line = line.substr(0, line.size() - 1);
  const auto waiting = lists_.waiting(decision.list, identity);
  if (waiting && !waiting->fit) {
    context.list_line = "(NONE: no line can hold an id of " + std::to_string(identity.size()) +
                        " bytes, so Exim does not refuse its mail; change its password)";
  } else if (waiting && !lists_.fault_of(decision.list).empty()) {
    context.list_line += "  (NOT WRITTEN YET: the list can't be written; trying again)";
  }
  return context;
}

NoticeContext Announcer::notice_context(const Decision& decision) const {
  const auto& tables = pipeline_.options().tables;
  NoticeContext context;
  context.host = context_.options.host;
  context.config_path = context_.options.config_path;
  context.exim_binary = context_.config.exim.binary;
  context.frozen_kept = context_.trust.keeping.cancelled;
  context.subject = context_.config.notify.subject;
  context.body = context_.config.notify.body;
  context.mapped = tables != nullptr && tables->identities.maps(decision.identity_kind);
  return context;
}

void Announcer::remember(HistoryEntry entry) {
  history_.add(std::move(entry));
  checkpoints_.hurry();
}

void Announcer::on_trial(const Decision& decision) {
  ++trial_decisions_;
  context_.options.on_decision(decision, context_.zone);
  if (context_.options.dry_run) return;
  remember(entry_of(HistoryEvent::trial, decision, context_.zone));
  if (wants_notices(context_.config.notify))
    trials_.add(decision, context_.zone, context_.now.wall, context_.options.host);
  const auto compose = [&](const NoticeContext& in) {
    return compose_trial(decision, context_.zone, context_.now.wall, in);
  };
  send({std::nullopt,
        for_actions(Edge::trial, decision, {decision.rule}, notice_context(decision), compose)});
}

void Announcer::tell_ending(const ExemptionEnd& end, Instant used) {
  checkpoints_.hurry();
  if (!wants_notices(context_.config.notify)) return;
  NoticeContext context;
  context.host = context_.options.host;
  context.config_path = context_.options.config_path;
  send({compose_exemption_end(end, used, context_.zone, context_.now.wall, context), {}});
}

void Announcer::tell_trials() {
  if (context_.options.dry_run) return;
  NoticeContext context;
  context.host = context_.options.host;
  context.config_path = context_.options.config_path;
  auto notice = trials_.take(context_.zone, context_.now.wall, context);
  if (!notice) return;
  checkpoints_.hurry();
  if (wants_notices(context_.config.notify)) send({std::move(*notice), {}});
}

void Announcer::near_limit(const Decision& decision) {
  ++near_limits_;
  context_.options.on_watch(decision, context_.zone);
  if (context_.options.dry_run) return;
  remember(entry_of(HistoryEvent::watched, decision, context_.zone));
  const auto context = notice_context(decision);
  const auto compose = [&](const NoticeContext& in) {
    return compose_watch(decision, context_.zone, context_.now.wall, in);
  };
  if (wants_notices(context_.config.notify)) send({compose(context), {}});
  send({std::nullopt, for_actions(Edge::watched, decision, {decision.rule}, context, compose)});
}

void Announcer::check_silence(const std::vector<Silences::Log>& logs) {
  if (!context_.config.log.silence_alarm) return;
  for (const auto& news : silences_.look(logs, context_.now.wall)) {
    const auto log = printable(news.path);
    if (!news.silent) {
      context_.options.say(log + " is written again");
      continue;
    }
    context_.options.say(
        fmt::format("{} has been silent since {}; pauses of {} are usual at this hour", log,
                    context_.zone.short_text(news.since), duration_text(news.usual)));
    if (!context_.options.dry_run) send_silence(news);
  }
}

void Announcer::send_silence(const Silences::News& news) {
  HistoryEntry entry;
  entry.event = HistoryEvent::silent;
  entry.time = news.since;
  entry.by = kByService;
  entry.reason = fmt::format("{}: pauses of {} are usual", news.path, duration_text(news.usual));
  remember(std::move(entry));
  const auto compose = [&](const NoticeContext&) {
    return compose_silence(news, context_.zone, context_.now.wall, context_.options.host);
  };
  NoticeContext context;
  context.host = context_.options.host;
  if (wants_notices(context_.config.notify)) send({compose(context), {}});
  send({std::nullopt, for_actions(Edge::silent, {}, {}, context, compose)});
}

}  // namespace agent
