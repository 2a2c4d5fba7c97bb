#include "agent/notify/action_runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/values/printable.h"

namespace agent {
namespace {

// What a script or a customer is told of must not be about several senders.
bool each_alone(const ActionConfig& action) {
  return action.via.transports.front() == Transport::exec || !action.via.to_file.empty();
}

}  // namespace

void ActionRunner::configure(const std::vector<ActionConfig>& actions) {
  std::vector<std::unique_ptr<Action>> next;
  for (const auto& config : actions) {
    if (!make_) break;
    const auto known = std::find_if(actions_.begin(), actions_.end(), [&](const auto& action) {
      return action && action->config.name == config.name;
    });
    if (known != actions_.end()) {
      auto& action = next.emplace_back(std::move(*known));
      action->config = config;
      action->sender->configure(config.via);
      action->outbox.set_max_per_hour(config.via.max_per_hour);
      action->outbox.set_each_alone(each_alone(config));
      continue;
    }
    auto sender = make_(config.via);
    const auto say = [this, name = config.name](const std::string& text) {
      say_(fmt::format("action {}: {}", name, text));
    };
    Outbox outbox(*sender, host_, config.via.max_per_hour, say,
                  {each_alone(config), kMaxNotices, kMaxBodies});
    next.push_back(
        std::make_unique<Action>(Action{config, std::move(sender), std::move(outbox), false}));
  }
  for (auto& gone : actions_) {
    if (!gone) continue;
    if (gone->outbox.size() > 0)
      say_(fmt::format("action {}: is configured no more; what waited for it is dropped ({})",
                       gone->config.name, gone->outbox.size()));
    retired_.push_back(std::move(gone->sender));
  }
  actions_ = std::move(next);
}

std::vector<const ActionConfig*> ActionRunner::wanting(
    Edge edge, const std::vector<std::string>& rules) const {
  std::vector<const ActionConfig*> found;
  for (const auto& action : actions_) {
    const auto& on = action->config.on;
    const auto& named = action->config.rules;
    if (std::find(on.begin(), on.end(), edge) == on.end()) continue;
    if (named.empty() ||
        std::find_first_of(named.begin(), named.end(), rules.begin(), rules.end()) != named.end() ||
        edge == Edge::silent) {
      found.push_back(&action->config);
    }
  }
  return found;
}

ActionRunner::Action* ActionRunner::find(const std::string& name) const {
  const auto found = std::find_if(actions_.begin(), actions_.end(),
                                  [&](const auto& action) { return action->config.name == name; });
  return found == actions_.end() ? nullptr : found->get();
}

void ActionRunner::add(ActionNotice notice) {
  if (auto* action = find(notice.action)) action->outbox.add(std::move(notice.notice));
}

void ActionRunner::restore(const std::vector<WaitingAction>& waiting, Steady now) {
  std::size_t dropped = 0;
  for (const auto& [name, notice] : waiting) {
    if (auto* action = find(name)) {
      action->outbox.restore({notice}, now);
    } else {
      ++dropped;
    }
  }
  if (dropped > 0)
    say_(fmt::format("{} of actions that are configured no more: what waited is dropped", dropped));
}

std::vector<WaitingAction> ActionRunner::waiting() const {
  std::vector<WaitingAction> all;
  for (const auto& action : actions_) {
    for (auto& notice : action->outbox.waiting())
      all.push_back({action->config.name, std::move(notice)});
  }
  return all;
}

bool ActionRunner::collect(Steady now) {
  std::erase_if(retired_, [](const auto& sender) { return !sender->busy(); });
  bool changed = false;
  for (auto& action : actions_) changed = action->outbox.collect(now) || changed;
  return changed;
}

bool ActionRunner::prepare(Steady now) {
  bool prepared = false;
  for (auto& action : actions_) prepared = action->outbox.prepare(now) || prepared;
  return prepared;
}

void ActionRunner::release() {
  for (auto& action : actions_) action->outbox.release();
}

void ActionRunner::take_back() {
  for (auto& action : actions_) action->outbox.take_back();
}

void ActionRunner::cover() {
  for (auto& action : actions_) action->is_covered = action->outbox.prepared();
}

void ActionRunner::covered(bool saved) {
  for (auto& action : actions_) {
    if (std::exchange(action->is_covered, false) && saved) action->outbox.release();
  }
}

void ActionRunner::wait(std::chrono::milliseconds most) {
  for (auto& action : actions_)
    action->sender->wait(most / static_cast<std::int64_t>(actions_.size()));
}

std::optional<ActionRunner::Steady> ActionRunner::next_due() const {
  std::optional<Steady> next;
  for (const auto& action : actions_) {
    const auto due = action->outbox.next_due();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

bool ActionRunner::busy() const {
  return std::any_of(actions_.begin(), actions_.end(),
                     [](const auto& action) { return action->sender->busy(); }) ||
         std::any_of(retired_.begin(), retired_.end(),
                     [](const auto& sender) { return sender->busy(); });
}

std::vector<std::string> ActionRunner::faults() const {
  std::vector<std::string> faults;
  for (const auto& action : actions_) {
    if (!action->outbox.fault().empty())
      faults.push_back(fmt::format("action {}: {}", action->config.name, action->outbox.fault()));
  }
  return faults;
}

std::vector<ActionRunner::Figures> ActionRunner::figures() const {
  std::vector<Figures> all;
  for (const auto& action : actions_) {
    const auto& outbox = action->outbox;
    all.push_back({action->config.name, outbox.size(), outbox.mails(), outbox.dropped(),
                   !outbox.fault().empty()});
  }
  return all;
}

}  // namespace agent
