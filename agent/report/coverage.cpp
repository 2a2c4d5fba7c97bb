#include "agent/report/coverage.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include "agent/core/attribution.h"
#include "agent/output/text_table.h"
#include "agent/values/printable.h"

namespace agent {
namespace {

constexpr std::size_t kShownHosts = 3;

std::string span_text(const LogMerge::Extent& extent, const Zone& zone) {
  if (!extent.first || !extent.last) return ", none with a time";
  return fmt::format(", {} to {}", zone.short_text(*extent.first), zone.short_text(*extent.last));
}

bool counts_failures(const Config& config) {
  return std::any_of(config.rules.begin(), config.rules.end(), [](const Rule& rule) {
    return std::find(rule.signals.begin(), rule.signals.end(), Signal::bounced) !=
           rule.signals.end();
  });
}

std::uint64_t hash_of(Charged verdict, std::string_view name) {
  return std::hash<std::string_view>{}(name) * 8 + static_cast<std::uint64_t>(verdict);
}

}  // namespace

void Coverage::note(const Signalled& signalled) {
  const auto signal = signal_of(signalled.event.kind);
  const auto& charge = signalled.charge;
  if (!signal) {
    if (signalled.event.kind == parsers::Kind::ambiguous) ++nobody_;
    return;
  }
  // What only some rules read is not what the logs are judged by.
  if (!is_refusal(*signal)) return;
  switch (charge.verdict) {
    case Charged::user:
    case Charged::relay:
    case Charged::local:
    case Charged::host:
      ++(*signal == Signal::bounced ? failed_ : refused_);
      return note_sender(charge);
    case Charged::outsider:
      ++outsiders_;
      return note_outsider(signalled.event.host.value_or(""));
    case Charged::own:
      ++own_;
      return;
    case Charged::exempt:
      ++exempt_;
      return;
    case Charged::nobody_known:
      ++nobody_;
      return;
  }
}

void Coverage::note_sender(const Charge& charge) {
  if (note_spelling(hash_of(charge.verdict, charge.identity)))
    senders_.insert(hash_of(charge.verdict, folded(charge.identity)));
}

bool Coverage::note_spelling(std::uint64_t hash) {
  hash = std::max<std::uint64_t>(hash, 1);
  const auto place = [&](std::uint64_t wanted) {
    auto at = wanted / 8 & (spellings_.size() - 1);  // the lowest bits are the kind
    while (spellings_[at] != 0 && spellings_[at] != wanted) at = (at + 1) & (spellings_.size() - 1);
    return at;
  };
  const auto at = place(hash);
  if (spellings_[at] == hash) return false;
  spellings_[at] = hash;
  if (++spellings_known_ <= spellings_.size() / 2) return true;
  const auto known = std::exchange(spellings_, std::vector<std::uint64_t>(spellings_.size() * 2));
  for (const auto one : known) {
    if (one != 0) spellings_[place(one)] = one;
  }
  return true;
}

void Coverage::note_outsider(std::string_view host) {
  const auto known = hosts_.find(host);
  if (known != hosts_.end()) {
    ++known->second;
    return;
  }
  if (hosts_.size() >= kMaxHosts) {
    more_hosts_ = true;
    std::vector<std::uint64_t> counts;
    for (const auto& [name, count] : hosts_) counts.push_back(count);
    const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
    std::nth_element(counts.begin(), middle, counts.end());
    std::erase_if(hosts_, [few = *middle](const auto& one) { return one.second <= few; });
  }
  hosts_.emplace(std::string(host), 1);
}

std::string Coverage::outsiders_text(bool any_relays) const {
  using Host = std::pair<std::string_view, std::uint64_t>;
  std::vector<Host> top(hosts_.begin(), hosts_.end());
  const auto shown = std::min(top.size(), kShownHosts);
  std::partial_sort(top.begin(), top.begin() + static_cast<std::ptrdiff_t>(shown), top.end(),
                    [](const Host& a, const Host& b) {
                      return a.second != b.second ? a.second > b.second : a.first < b.first;
                    });
  std::string names;
  for (std::size_t i = 0; i < shown; ++i) {
    names += fmt::format("{}{}: {}", i == 0 ? "" : ", ", printable(top[i].first),
                         grouped(top[i].second));
  }
  return fmt::format("{} by {}{} not in relay.hosts{} ({}{})", grouped(outsiders_),
                     more_hosts_ ? "more than " : "", counted(hosts_.size(), "host"),
                     any_relays ? "" : ", which is empty",
                     top.size() > shown || more_hosts_ ? "most by " : "", names);
}

std::vector<std::string> Coverage::text(const LogMerge::Extent& extent,
                                        const parsers::ReaderCounters& counters,
                                        const ReadPlan& plan) const {
  const auto& asked = plan.selection;
  const auto& zone = plan.options.zone;
  const bool part = asked.since || asked.until || asked.user || asked.host;
  const auto failed = counts_failures(plan.config)
                          ? " and " + counted(failed_, "failed delivery", "failed deliveries")
                          : "";
  std::vector<std::string> lines{fmt::format(
      "read {} of {}{}: {}{} of {}{}", counted(counters.lines, "line"),
      counted(extent.files, "file"), span_text(extent, zone),
      counted(refused_, "refused recipient"), failed, counted(senders_.size(), "sender"),
      part ? " in the part that is asked for" : "")};
  if (extent.last && ((asked.since && *extent.last < *asked.since) ||
                      (asked.until && *extent.first >= *asked.until))) {
    lines.front() += ", where no line lies";
  }

  std::vector<std::string> left_out;
  if (outsiders_ > 0) left_out.push_back(outsiders_text(!plan.config.relay.hosts.empty()));
  const auto add = [&](std::uint64_t count, const char* what) {
    if (count > 0) left_out.push_back(fmt::format("{} {}", grouped(count), what));
  };
  add(exempt_, "of exempt senders");
  add(own_, "of this machine's own");
  add(nobody_, "of no certain sender");
  add(std::accumulate(counters.unreadable.begin(), counters.unreadable.end(),
                      counters.bad_tagged + counters.too_long),
      "unreadable (explain says why)");
  if (!left_out.empty()) lines.push_back(fmt::format("left out: {}", fmt::join(left_out, "; ")));
  return lines;
}

}  // namespace agent
