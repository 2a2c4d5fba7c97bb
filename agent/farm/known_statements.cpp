#include "agent/farm/known_statements.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace agent {
namespace {

constexpr std::chrono::seconds kForgetAfter = std::chrono::hours(24 * 30);
constexpr int kLookForRoom = 256;

// By the server's clock as far as this host knows it, and after whatever the statement is about. A
// block that was counted is as old as the oldest event that it is made of: a release that came
// after that holds, also if this host has not heard of it yet.
std::int64_t stamp_of(const FarmStatement& statement, const FarmStatement& before,
                      const FarmTime& time) {
  const bool known = before.stamp > 0 && !time.is_ahead(before);
  auto stamp = time.server();
  if (statement.why == FarmStatement::Why::host) {
    stamp = std::min(stamp, time.server(statement.first));
    if (known && !before.blocked) return stamp;
  }
  return known ? std::max(stamp, before.stamp + 1) : stamp;
}

}  // namespace

KnownStatements::Entry* KnownStatements::find(const FarmName& name) {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

const KnownStatements::Entry* KnownStatements::find(const FarmName& name) const {
  const auto found = entries_.find(name);
  return found == entries_.end() ? nullptr : &found->second;
}

KnownStatements::Entry* KnownStatements::find_or_add(const FarmName& name, bool blocked) {
  if (auto* known = find(name)) return known;
  if (entries_.size() >= kMost) {
    if (!blocked) return nullptr;
    auto it = entries_.upper_bound(looked_at_);
    for (int i = 0; i < kLookForRoom; ++i, ++it) {
      if (it == entries_.end()) it = entries_.begin();
      looked_at_ = it->first;
      if (!it->second.statement.blocked) break;
    }
    if (it == entries_.end() || it->second.statement.blocked) return nullptr;
    entries_.erase(it);
  }
  return &entries_[name];
}

bool KnownStatements::restore(const FarmName& name, FarmStatement statement, bool applied) {
  if (entries_.size() >= kMost) return false;
  entries_[name] = {std::move(statement), applied, false};
  return true;
}

void KnownStatements::state(FarmStatement statement, Entry& entry, const FarmTime& time) {
  statement.host = host_;
  statement.stamp = stamp_of(statement, entry.statement, time);
  entry.statement = std::move(statement);
  entry.applied = true;
  entry.on_server = false;
  ++changes_;
}

void KnownStatements::forget_old(const FarmTime& time) {
  const auto before = time.server() / 1000 - kForgetAfter.count();
  std::erase_if(entries_, [&](const auto& known) {
    const auto& statement = known.second.statement;
    if (time.is_ahead(statement)) return true;
    if (!statement.blocked) return statement.stamp / 1000 < before;
    return statement.until && *statement.until < before;
  });
}

}  // namespace agent
