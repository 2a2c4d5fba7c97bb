#include "agent/outbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/printable.h"

namespace agent {
namespace {

// 5 s, 10 s, 20 s ... 10 min.
std::chrono::seconds pause_after(unsigned attempts) {
  return std::chrono::seconds(
      std::min<std::int64_t>(600, std::int64_t{5} << std::min(attempts - 1, 7U)));
}

}  // namespace

void Outbox::add(Notice notice) {
  // The same decision found again after a crash.
  const bool known = std::any_of(items_.begin(), items_.end(), [&](const Item& item) {
    return item.notice.message_id == notice.message_id;
  });
  if (known) return;
  if (items_.size() >= kMaxNotices) {
    if (dropped_++ == 0) say_("too many notices wait to be sent; new ones are dropped and counted");
    return;
  }
  items_.push_back({std::move(notice), Steady{}, 0, false});
}

void Outbox::restore(std::vector<Notice> notices) {
  for (auto& notice : notices) add(std::move(notice));
}

void Outbox::send_due(Steady now) {
  for (auto& item : items_) {
    if (item.under_way || item.due > now) continue;
    item.under_way = true;
    mailer_.send(item.notice);
  }
}

bool Outbox::collect(Steady now) {
  bool changed = false;
  for (const auto& outcome : mailer_.outcomes()) {
    const auto item = std::find_if(items_.begin(), items_.end(), [&](const Item& known) {
      return known.notice.message_id == outcome.message_id;
    });
    if (item == items_.end()) continue;
    changed = true;
    if (outcome.error.empty()) {
      if (!fault_.empty()) say_("notices are taken again");
      fault_.clear();
      items_.erase(item);
      continue;
    }
    item->under_way = false;
    item->due = now + pause_after(++item->attempts);
    if (fault_ != outcome.error)
      say_(fmt::format("notice not sent: {}; trying again", printable(outcome.error)));
    fault_ = outcome.error;
  }
  return changed;
}

std::optional<Outbox::Steady> Outbox::next_due() const {
  std::optional<Steady> next;
  for (const auto& item : items_) {
    if (!item.under_way && (!next || item.due < *next)) next = item.due;
  }
  return next;
}

std::vector<Notice> Outbox::notices() const {
  std::vector<Notice> notices;
  for (const auto& item : items_) notices.push_back(item.notice);
  return notices;
}

}  // namespace agent
