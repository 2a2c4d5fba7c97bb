#include "agent/service/decision_effects.h"

#include <utility>

namespace agent {

DecisionEffects::DecisionEffects(const EngineContext& context, Pipeline& pipeline,
                                 ListKeeper& lists, Announcer& announcer, FarmSide& farm,
                                 CheckpointWriter& checkpoints)
    : context_(context),
      pipeline_(pipeline),
      lists_(lists),
      announcer_(announcer),
      farm_(farm),
      checkpoints_(checkpoints) {}

void DecisionEffects::decide(Decision&& decision) {
  if (decision.mode == RuleMode::trial) {
    announcer_.on_trial(decision);
  } else if (context_.options.dry_run) {
    announcer_.log_decision(decision);
  } else {
    keep(std::move(decision));
  }
}

void DecisionEffects::keep(Decision&& decision) {
  auto data = announcer_.list_data_for(decision);
  if (lists_.block(decision, data, pipeline_.counting()) == BlockedList::Accepted::freed_before)
    return;
  decided_.push_back({std::move(decision), std::move(data)});
}

// Lines first: a block is in its list before anything else is done about it.
void DecisionEffects::write_lists() {
  if (context_.options.dry_run) return;
  // Twice: the look before it may end a doubt, and that may lead to decisions.
  for (int i = 0; i < 2; ++i) {
    lists_.write(pipeline_.counting(), context_.now, context_.behind);
    take_list_news();
  }
  announce_decided();
  if (std::exchange(revision_saved_, lists_.revision()) != revision_saved_) checkpoints_.hurry();
}

void DecisionEffects::announce_decided() {
  constexpr std::size_t kEach = 64;  // bytes of most subjects in a checkpoint
  deciding_ = !decided_.empty();
  if (!deciding_) return;
  checkpoints_.blocked(context_.now.steady, decided_.size(),
                       pipeline_.counting().subjects().size() * kEach);
  do {
    const auto [decision, data] = std::move(decided_.front());
    decided_.pop_front();
    announce(decision, data);
  } while (!decided_.empty() && !context_.out_of_time());
}

void DecisionEffects::announce(const Decision& decision, const std::string& data) {
  announcer_.remember(entry_of(HistoryEvent::blocked, decision, context_.zone));
  announcer_.log_decision(decision);
  farm_.decided(decision);
  auto announcement = announcer_.of_block(decision, decision.identity, data);
  if (!announcement.empty() && !farm_.hold_back(decision, announcement))
    announcer_.send(std::move(announcement));
}

void DecisionEffects::look_at_lists(bool all) {
  lists_.look(pipeline_.counting(), context_.now, all, context_.behind);
  take_list_news();
}

// What was freed must not come back by a crash; nor, if it goes while we are down, what was
// blocked.
void DecisionEffects::take_list_news() {
  auto news = lists_.take_news();
  if (news.changed) {
    farm_.lists_changed();
    checkpoints_.hurry();
  }
  for (const auto& change : lists_.take_changes()) on_change(change);
  for (auto& decision : news.decisions) keep(std::move(decision));
}

void DecisionEffects::on_change(const HandChange& change) {
  const auto& list = pipeline_.counting().lists()[change.list];
  const auto rule = first_rule_of(context_.config, list.path);
  auto entry = entry_of_line(rule, list.kind, change.key, change.data, change.time);
  if (change.what == HandChange::What::blocked) return announcer_.remember(std::move(entry));
  const bool freed = change.what == HandChange::What::freed;
  announcer_.released(change.list, change.key, freed ? Edge::freed : Edge::ended);
  entry.event = freed ? HistoryEvent::freed : HistoryEvent::ended;
  entry.by = freed ? std::string_view() : kByService;  // HistoryStore looks for the hand
  announcer_.remember(std::move(entry));
}

void DecisionEffects::end_doubts() {
  lists_.end_doubts(pipeline_.counting(), context_.now);
  take_list_news();
  do {
    write_lists();
  } while (!decided_.empty());
}

bool DecisionEffects::drop_exempt() {
  const auto& read = pipeline_.options().tables;
  const auto tables = read ? read : IdentityTables::without_files(context_.config);
  const auto exempt = [&](const PendingBlock& block) { return tables->exempts(block.identity); };
  if (!lists_.drop_pending(exempt)) return false;
  checkpoints_.hurry();
  return true;
}

void DecisionEffects::end_block(const Counting::End& block) {
  if (pipeline_.counting().is_trial(block)) return checkpoints_.hurry();
  ++blocks_ended_;
  if (context_.options.dry_run) return;
  lists_.end(block);
  farm_.lists_changed();  // the farm may know another end of it
  on_change({HandChange::What::ended, block.list, block.key, {}, block.until});
}

// What the log has ended is taken out at once, before a new block of the same sender.
void DecisionEffects::end_due_blocks() {
  auto& counting = pipeline_.counting();
  for (const auto& block : counting.due(context_.now.wall)) {
    counting.end(block);
    end_block(block);
  }
}

}  // namespace agent
