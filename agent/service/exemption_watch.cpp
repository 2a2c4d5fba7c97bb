#include "agent/service/exemption_watch.h"

#include <fmt/format.h>

#include <algorithm>

#include "actions/lists/blocklist.h"
#include "agent/config/table_files.h"
#include "agent/core/list_lines.h"
#include "agent/notify/exemption_notice.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

constexpr auto kBetweenLooks = 1s;

// When to tell of its end.
Instant telling_time(const ExemptionEnd& end) {
  const auto since = read_list_data(end.why).since;
  std::chrono::seconds before = ExemptionWatch::kBefore;
  if (since && *since < end.until) before = std::min(before, (end.until - *since) / 2);
  return end.until - before;
}

}  // namespace

void ExemptionWatch::read_anew() {
  if (context_.options.dry_run) return;
  const auto& state = context_.config.state.directory;
  remember_new(exempt_users_path(state), IdentityKind::user);
  remember_new(exempt_hosts_path(state), IdentityKind::relay);
  next_look_ = {};
}

// Entries that the history has already are told again after a start, and kept once.
void ExemptionWatch::remember_new(const std::string& path, IdentityKind kind) {
  const auto view = actions::Blocklist(files_, path, {}).read();
  if (!view) return;  // TableFiles says so
  auto& newest = newest_[kind == IdentityKind::user ? 0 : 1];
  auto last = newest;
  for (const auto& line : view->entries) {
    const auto since = read_list_data(line.data).since;
    if (!since || (newest && *since < *newest)) continue;
    last = last ? std::max(*last, *since) : *since;
    auto entry = entry_of_line("", kind, line.key, line.data, *since);
    entry.event = HistoryEvent::exempted;
    announcer_.remember(std::move(entry));
  }
  newest = last;
}

void ExemptionWatch::look() {
  const auto& now = context_.now;
  const auto& tables = pipeline_.options().tables;
  if (context_.options.dry_run || tables == nullptr || now.steady < next_look_) return;
  next_look_ = now.steady + kBetweenLooks;
  std::erase_if(told_, [&](const auto& told) { return told.second <= now.wall; });
  for (const auto& end : tables->ends) {
    const auto used = pipeline_.exemption_uses().last(end);
    if (!used || *used <= now.wall - kInUse || now.wall < telling_time(end)) continue;
    const std::pair told(end.key, end.until);
    if (std::find(told_.begin(), told_.end(), told) != told_.end()) continue;
    told_.push_back(told);
    context_.options.say(fmt::format("the exemption of {} ends {}, and is still of use",
                                     printable(end.key), context_.zone.short_text(end.until)));
    announcer_.tell_ending(end, *used);
  }
}

}  // namespace agent
