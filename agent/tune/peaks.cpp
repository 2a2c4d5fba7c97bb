#include "agent/tune/peaks.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "agent/values/network.h"

namespace agent {
namespace {

// Counts up to here are of interest for a suggestion, whatever the limits asked for.
constexpr std::uint32_t kLeastCeiling = 1000;

void fold_into(std::string_view text, std::string& out) {
  out.assign(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
  }
}

}  // namespace

Peaks::Peaks(const Rule& rule, int ipv6_prefix, Grid grid, bool wants_rates)
    : rule_(rule),
      ipv6_prefix_(ipv6_prefix),
      overrides_(rule),
      grid_(std::move(grid)),
      wants_rates_(wants_rates),
      ceiling_(std::max({kLeastCeiling, grid_.limits.empty() ? 0 : grid_.limits.back(),
                         rule.overrides.empty() ? 0 : overrides_.highest()})) {}

std::string_view Peaks::name_of(IdentityKind kind, std::string_view identity) {
  if (!is_by_address(kind)) return identity;
  const auto address = IpAddress::parse(identity);
  if (!address) return identity;
  name_ = address->v6 ? Network::around(*address, ipv6_prefix_).text() : address->text();
  return name_;
}

Peaks::Subject& Peaks::subject_of(std::string_view name) {
  fold_into(name, folded_);
  const auto known = subjects_.find(folded_);
  if (known != subjects_.end()) return known->second;
  auto& subject = subjects_.try_emplace(folded_).first->second;
  if (overrides_.is_own(folded_)) subject.own_limit = overrides_.of(folded_);
  subject.peaks.resize(grid_.periods.size());
  subject.hits.resize(grid_.periods.size());
  subject.heads.resize(grid_.periods.size());
  if (wants_rates_) {
    subject.rate.resize(grid_.periods.size());
    subject.rates.resize(grid_.periods.size());
  }
  return subject;
}

void Peaks::accepted(IdentityKind kind, std::string_view identity) {
  if (kind == rule_.identity) ++subject_of(name_of(kind, identity)).messages;
}

void Peaks::add(const Occurrence& event, bool selected) {
  if (event.kind != rule_.identity ||
      std::find(rule_.signals.begin(), rule_.signals.end(), event.signal) == rule_.signals.end()) {
    return;
  }
  const auto name = name_of(event.kind, event.identity);
  auto& subject = subject_of(name);
  const auto at = event.time.time_since_epoch().count();
  bool counted = false;
  each_counted(rule_, event, [&](std::uint64_t value) {
    place(subject, at, value);
    counted = true;
  });
  if (!counted) return;
  if (!selected) return trim(subject);
  auto spelling = std::find(subject.names.begin(), subject.names.end(), name);
  if (spelling == subject.names.end()) {
    spelling = subject.names.insert(subject.names.end(), std::string(name));
  }
  if (++subject.events == 1) subject.first = subject.last = event.time;
  const auto gap = (event.time - subject.last).count();
  subject.first = std::min(subject.first, event.time);
  subject.last = std::max(subject.last, event.time);

  measure(subject, static_cast<std::uint32_t>(spelling - subject.names.begin()), event.time);
  trim(subject);
  if (wants_rates_) average(subject, gap);
}

// Puts the event where its time belongs. A recipient that is known moves to its newest time.
void Peaks::place(Subject& subject, std::int64_t at, std::uint64_t recipient) const {
  auto& times = subject.times;
  auto& recipients = subject.recipients;
  if (recipient != 0) {
    const auto known = std::find(recipients.begin(), recipients.end(), recipient);
    if (known != recipients.end()) {
      const auto index = static_cast<std::size_t>(known - recipients.begin());
      if (times[index] >= at) return;
      recipients.erase(known);
      times.erase(times.begin() + static_cast<std::ptrdiff_t>(index));
      for (auto& head : subject.heads) head -= index < head ? 1 : 0;
    }
  }
  const auto spot = std::upper_bound(times.begin(), times.end(), at) - times.begin();
  times.insert(times.begin() + spot, at);
  if (recipient != 0) recipients.insert(recipients.begin() + spot, recipient);
  const bool newest = static_cast<std::size_t>(spot) + 1 == times.size();
  for (std::size_t i = 0; i < subject.heads.size(); ++i) {
    auto& head = subject.heads[i];
    // A late event older than the window lands before it.
    if (static_cast<std::size_t>(spot) < head) ++head;
    const auto edge = times.back() - grid_.periods[i].count();
    if (newest) {
      while (times[head] <= edge) ++head;  // the newest never is
    } else if (static_cast<std::size_t>(spot) == head && at <= edge) {
      ++head;
    }
  }
}

void Peaks::measure(Subject& subject, std::uint32_t spelling, Instant time) const {
  for (std::size_t i = 0; i < subject.heads.size(); ++i) {
    const auto count = std::min<std::size_t>(subject.times.size() - subject.heads[i], ceiling_);
    if (count <= subject.peaks[i]) continue;
    subject.peaks[i] = static_cast<std::uint32_t>(count);
    auto& hits = subject.hits[i];
    while (hits.size() < grid_.limits.size() &&
           subject.own_limit.value_or(grid_.limits[hits.size()]) <= count) {
      hits.push_back({time, subject.events, subject.messages, spelling});
    }
  }
}

// Forgets what no window can need: events older than the longest period, and more than the ceiling.
void Peaks::trim(Subject& subject) const {
  if (subject.heads.empty()) return;
  auto drop = subject.heads.back();  // of the longest period
  const auto kept = subject.times.size() - drop;
  if (kept > ceiling_) drop += kept - ceiling_;
  if (drop < 64 || drop < subject.times.size() / 2) return;
  const auto end = static_cast<std::ptrdiff_t>(drop);
  subject.times.erase(subject.times.begin(), subject.times.begin() + end);
  if (!subject.recipients.empty()) {
    subject.recipients.erase(subject.recipients.begin(), subject.recipients.begin() + end);
  }
  for (auto& head : subject.heads) head -= std::min(head, drop);
}

// Exim's smoothed rate (acl.c acl_ratelimit, strict mode, one per recipient): with i the time since
// the event before and p the period, a = exp(-i/p), rate = (1-a) p/i + a rate, and never below 1.
void Peaks::average(Subject& subject, std::int64_t gap) const {
  for (std::size_t i = 0; i < subject.rate.size(); ++i) {
    auto& rate = subject.rate[i];
    const double share = static_cast<double>(gap) / static_cast<double>(grid_.periods[i].count());
    if (subject.events == 1) {
      rate = 1;
    } else if (gap <= 0) {
      rate += 1;
    } else {
      const double a = std::exp(-share);
      rate = std::max(1.0, (1 - a) / share + a * rate);
    }
    subject.rates[i] = std::max(subject.rates[i], rate);
  }
}

std::vector<std::string> Peaks::blocked(std::size_t limit, std::size_t period) const {
  std::vector<std::string> names;
  for (const auto& [key, subject] : subjects_) {
    const auto& hits = subject.hits[period];
    if (limit < hits.size()) names.push_back(subject.names[hits[limit].spelling]);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace agent
