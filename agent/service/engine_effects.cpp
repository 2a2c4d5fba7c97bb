// What follows from a decision, an alarm or the end of a block: the order is that of engine.h.
#include <fmt/format.h>

#include <utility>

#include "actions/exim/exim_settings.h"
#include "agent/core/duration.h"
#include "agent/core/printable.h"
#include "agent/lists/list_lines.h"
#include "agent/service/engine.h"

namespace agent {

void Engine::decide(Decision&& decision) {
  if (options_.dry_run) {
    ++decisions_;
    options_.on_decision(decision, zone_);
    return;
  }
  keep(std::move(decision));
}

// Its line is written with those of the same step of reading.
void Engine::keep(Decision&& decision) {
  auto data = list_data(decision, zone_, spool_space());
  if (lists_.block(decision, data, pipeline_.counting()) == BlockedList::Accepted::freed_before)
    return;
  decided_.push_back({std::move(decision), std::move(data)});
}

// Lines first: a block is in its list before anything else is done about it.
void Engine::write_lists() {
  if (options_.dry_run) return;
  // Twice: the look before it may end a doubt, and that may lead to decisions.
  for (int i = 0; i < 2; ++i) {
    lists_.write(pipeline_.counting(), now_, behind_);
    take_list_news();
  }
  announce_decided();
  if (std::exchange(pending_saved_, lists_.revision()) != pending_saved_) checkpoints_.hurry();
}

// As many as there is time for.
void Engine::announce_decided() {
  constexpr std::size_t kEach = 64;  // bytes of most subjects in a checkpoint
  deciding_ = !decided_.empty();
  if (!deciding_) return;
  checkpoints_.blocked(now_.steady, decided_.size(),
                       pipeline_.counting().subjects().size() * kEach);
  do {
    const auto [decision, data] = std::move(decided_.front());
    decided_.pop_front();
    announce(decision, data);
  } while (!decided_.empty() && !out_of_time());
}

void Engine::announce(const Decision& decision, const std::string& data) {
  ++decisions_;
  checkpoints_.hurry();
  options_.on_decision(decision, zone_);
  if (farm_) farm_->decided(decision, pipeline_.counting().lists(), now_);
  if (!wants_notices(config_.notify)) return;
  auto notice =
      compose_notice(decision, zone_, now_.wall, block_context(decision, decision.identity, data));
  if (!hold_notice(decision, notice)) outbox_.add(std::move(notice));
}

// With the line, and what is the matter with it.
NoticeContext Engine::block_context(const Decision& decision, const std::string& identity,
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

NoticeContext Engine::notice_context(const Decision& decision) const {
  NoticeContext context;
  context.host = options_.host;
  context.config_path = options_.config_path;
  context.exim_binary = config_.exim.binary;
  context.subject = config_.notify.subject;
  context.body = config_.notify.body;
  context.mapped = pipeline_.options().tables != nullptr &&
                   pipeline_.options().tables->identities.maps(decision.identity_kind);
  return context;
}

// Blocks do not wait for it: without it the ACL's guard is out of force for this sender.
std::optional<std::uint64_t> Engine::spool_space() {
  if (!config_.exim.spool_guard) return std::nullopt;
  const auto space = trust_.spool.empty()
                         ? actions::Result<std::uint64_t>(actions::Error{
                               actions::Errc::not_found, 0, "Exim does not say where its spool is"})
                         : actions::free_space(trust_.spool);
  if (space) return space.value();
  options_.say("exim.spool_guard: " + printable(space.error().what));
  return std::nullopt;
}

void Engine::listen(Now now) {
  if (!config_.log.silence_alarm) return;
  std::vector<Silences::Log> logs;
  for (const auto& follower : followers_)
    logs.push_back({follower->path(), follower->counters().bytes});
  for (const auto& news : silences_.look(logs, now.wall)) {
    const auto log = printable(news.path);
    if (!news.silent) {
      options_.say(log + " goes on again");
      continue;
    }
    options_.say(fmt::format("{} is silent since {}; usual at this hour are pauses of {}", log,
                             zone_.text(news.since), duration_text(news.usual)));
    if (options_.dry_run) continue;
    checkpoints_.hurry();
    if (wants_notices(config_.notify))
      outbox_.add(compose_silence(news, zone_, now.wall, options_.host));
  }
}

void Engine::watch(const Decision& decision) {
  ++watched_;
  options_.on_watch(decision, zone_);
  if (options_.dry_run) return;
  checkpoints_.hurry();
  if (wants_notices(config_.notify))
    outbox_.add(compose_watch(decision, zone_, now_.wall, notice_context(decision)));
}

void Engine::end_block(const Counting::End& block) {
  ++ended_;
  if (options_.dry_run) return;
  lists_.end(block);
  lists_changed_ = true;  // the farm may know another end of it
  checkpoints_.hurry();
}

// By the clock. What the log has ended is taken out at once, before a new block of the same sender.
void Engine::end_blocks(Now now) {
  auto& counting = pipeline_.counting();
  for (const auto& block : counting.due(now.wall)) {
    counting.end(block);
    end_block(block);
  }
}

}  // namespace agent
