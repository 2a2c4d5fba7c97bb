#include "agent/service/engine.h"

namespace agent {

Metrics Engine::metrics() const {
  Metrics metrics;
  metrics.reader = pipeline_.counters();
  metrics.charged = pipeline_.charged();
  metrics.tagged = pipeline_.tagged();
  metrics.messages = pipeline_.submissions().size();
  metrics.messages_forgotten = pipeline_.submissions().forgotten();
  metrics.decisions = decisions_;
  metrics.watched = watched_;
  metrics.blocks_ended = ended_;
  metrics.identities = pipeline_.counting().identities();
  metrics.crowded_out = pipeline_.counting().crowded_out();
  auto logs = gone_;
  for (const auto& follower : followers_) {
    logs += follower->counters();
    metrics.lag_bytes += follower->lag();
    metrics.log_fault = metrics.log_fault || !follower->fault().empty();
  }
  metrics.rotations = logs.rotations;
  metrics.truncations = logs.truncations;
  metrics.missing_files = logs.missing;
  metrics.outbox = outbox_.size();
  metrics.mails = outbox_.mails();
  metrics.notices_dropped = outbox_.dropped();
  for (std::size_t i = 0; i < lists_.size(); ++i) {
    const auto& list = lists_.at(i);
    metrics.pending_blocks += list.pending().waiting().size();
    metrics.blocks_dropped += list.dropped();
    metrics.blocks_unfit += list.unfit();
    metrics.lists.push_back({list.path(), list.entries(), !list.fault().empty()});
  }
  metrics.exim_asked = !trust_.why_not;
  for (const auto& doubt : trust_.doubts) metrics.doubtful_settings.push_back(doubt.setting);
  for (const auto& [path, silence] : silences_.state())
    metrics.silent.emplace_back(path, silence.alarmed);
  metrics.state_fault = !checkpoints_.fault().empty();
  metrics.notify_fault = !outbox_.fault().empty();
  if (const auto newest = pipeline_.counting().newest())
    metrics.newest_event = newest->time_since_epoch().count();
  if (farm_) metrics.farm = farm_metrics();
  return metrics;
}

std::vector<std::string> Engine::faults() const {
  std::vector<std::string> faults;
  const auto add = [&](const std::string& fault) {
    if (!fault.empty()) faults.push_back(fault);
  };
  for (const auto& follower : followers_) add(follower->fault());
  for (std::size_t i = 0; i < lists_.size(); ++i) add(lists_.at(i).fault());
  add(tables_.fault());
  if (!outbox_.fault().empty()) add("notices: " + outbox_.fault());
  if (!farm_fault_.empty()) add(farm_fault_ + "; counting alone until it is back");
  return faults;
}

}  // namespace agent
