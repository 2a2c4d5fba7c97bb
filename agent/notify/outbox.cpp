#include "agent/notify/outbox.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/notify/notice_json.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

using namespace std::chrono_literals;

// 5 s, 10 s, 20 s ... 10 min.
std::chrono::seconds pause_after(unsigned attempts) {
  return std::chrono::seconds(
      std::min<std::int64_t>(600, std::int64_t{5} << std::min(attempts - 1, 7U)));
}

std::chrono::seconds pause_together(unsigned attempts) {
  return std::min(pause_after(attempts), std::chrono::seconds(10));
}

// Before one that may have gone already is sent again: under a storm of stops it would go each
// time.
std::chrono::seconds pause_after_unknown(std::uint32_t unknown) {
  if (unknown == 0) return 0s;
  return unknown == 1 ? 2s : 30s;
}

}  // namespace

void Outbox::add(Notice notice) {
  // The same decision found again after a crash.
  if (known_.count(notice.message_id) > 0) return;
  if (items_.size() >= limits_.notices) {
    if (dropped_++ == 0) say_("too many notices wait to be sent; new ones are dropped and counted");
    return;
  }
  if (body_bytes_ + notice.body.size() > limits_.bodies) {
    notice.body = "(too many notices wait: only the subject was kept)\n";
    notice.page.clear();
  }
  body_bytes_ += notice.body.size();
  known_.insert(notice.message_id);
  const auto subject = subject_of(notice);
  items_.push_back({std::move(notice)});
  if (!subject.identity.empty())
    items_.back().about = subject.kind + " " + folded(subject.identity);
}

// clang-tidy 14 does not see the move. NOLINTNEXTLINE(performance-unnecessary-value-param)
void Outbox::restore(std::vector<WaitingNotice> notices, Steady now) {
  for (auto& [notice, unknown] : notices) {
    const auto before = items_.size();
    add(std::move(notice));
    if (items_.size() == before) continue;
    items_.back().unknown = unknown;
    if (unknown > 0) items_.back().due = now + pause_after_unknown(unknown);
  }
}

bool Outbox::goes_alone() const {
  return limits_.each_alone ||
         taken_.size() < std::min<std::size_t>(kAlone, (std::size_t{max_per_hour_} + 1) / 2);
}

Outbox::Steady Outbox::next_mail() const {
  if (goes_alone()) return {};
  if (taken_.size() >= max_per_hour_) return taken_[taken_.size() - max_per_hour_] + 1h;
  return taken_.back() + kGather;
}

bool Outbox::prepare(Steady now) {
  while (!taken_.empty() && taken_.front() <= now - 1h) taken_.pop_front();
  if (mail_ || next_mail() > now) return false;
  std::vector<const Notice*> together;
  std::size_t most = goes_alone() ? 1 : kMaxInMail;
  std::unordered_set<std::string_view> held_up;
  for (auto& item : items_) {
    if (limits_.each_alone && !item.about.empty() && held_up.count(item.about) > 0) continue;
    if (item.due > now) {
      if (limits_.each_alone) held_up.insert(item.about);
      continue;
    }
    // One that has failed among many keeps no place for others behind it.
    if (!together.empty() && item.together <= together.size()) continue;
    most = std::min(most, item.together);
    if (together.size() >= most) break;
    item.in_mail = true;
    together.push_back(&item.notice);
  }
  if (together.empty()) return false;
  mail_ = together.size() == 1 ? *together.front() : compose_digest(together, host_);
  released_ = false;
  return true;
}

void Outbox::release() {
  if (!prepared()) return;
  released_ = true;
  notifier_.send(*mail_);
}

void Outbox::take_back() {
  if (!prepared()) return;
  mail_.reset();
  for (auto& item : items_) item.in_mail = false;
}

bool Outbox::collect(Steady now) {
  bool changed = false;
  for (const auto& outcome : notifier_.outcomes()) {
    if (!mail_ || !released_ || outcome.message_id != mail_->message_id) continue;
    changed = true;
    mail_.reset();
    if (outcome.error.empty()) {
      if (!fault_.empty()) say_("notices are accepted again");
      if (!outcome.remark.empty()) say_(outcome.remark);
      fault_.clear();
      std::erase_if(items_, [&](const Item& item) {
        if (!item.in_mail) return false;
        body_bytes_ -= item.notice.body.size();
        known_.erase(item.notice.message_id);
        return true;
      });
      // So most that have failed did so for want of a server: they may go together again.
      for (auto& item : items_) item.together = std::min(kMaxInMail, 2 * item.together);
      taken_.push_back(now);
      ++mails_;
      continue;
    }
    const auto together = static_cast<std::size_t>(
        std::count_if(items_.begin(), items_.end(), [](const Item& item) { return item.in_mail; }));
    for (auto& item : items_) {
      if (!std::exchange(item.in_mail, false)) continue;
      ++item.attempts;
      // One of many may be at fault: those beside it wait no longer for that.
      item.due = now + (together > 1 ? pause_together(item.attempts) : pause_after(item.attempts));
      item.together = std::max<std::size_t>(1, together / 2);
    }
    if (fault_ != outcome.error)
      say_(fmt::format("notice not sent: {}; trying again", printable(outcome.error)));
    fault_ = outcome.error;
  }
  return changed;
}

std::optional<Outbox::Steady> Outbox::next_due() const {
  if (mail_) return std::nullopt;
  std::optional<Steady> next;
  std::unordered_set<std::string_view> held_up;
  for (const auto& item : items_) {
    // What waits for one before it is due no sooner than that.
    if (limits_.each_alone && !item.about.empty() && !held_up.insert(item.about).second) continue;
    if (!next || item.due < *next) next = item.due;
  }
  if (next) next = std::max(*next, next_mail());
  return next;
}

std::vector<WaitingNotice> Outbox::waiting() const {
  std::vector<WaitingNotice> notices;
  for (const auto& item : items_)
    notices.push_back({item.notice, item.unknown + (item.in_mail ? 1 : 0)});
  return notices;
}

}  // namespace agent
