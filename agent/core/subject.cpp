#include "agent/core/subject.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace agent {
namespace {

// Evidence is for people: no field needs more than this.
constexpr std::size_t kMaxSampleField = 400;
std::string cut(std::string_view text) {
  return std::string(text.substr(0, kMaxSampleField));
}

template <class Terms>
auto term_for(Terms& terms, std::size_t list) -> decltype(terms.data()) {
  const auto found =
      std::find_if(terms.begin(), terms.end(), [&](const auto& term) { return term.list == list; });
  return found == terms.end() ? nullptr : &*found;
}

}  // namespace

BlockTerm* Subject::find_term(std::size_t list) {
  return term_for(terms, list);
}

const BlockTerm* Subject::find_term(std::size_t list) const {
  return term_for(terms, list);
}

BlockTerm& Subject::term_of(std::size_t list) {
  auto* found = find_term(list);
  return found != nullptr ? *found : terms.emplace_back(BlockTerm{list, {}, 0, {}});
}

bool Subject::is_over(Instant time) const {
  return std::all_of(
             windows.begin(), windows.end(),
             [&](const Window& window) { return window.empty() || window.newest() <= time; }) &&
         std::all_of(shares.begin(), shares.end(), [&](const ShareWindow& share) {
           return share.empty() || share.newest() <= time;
         });
}

void Subject::remember(const Occurrence& event, bool near_limit) {
  const bool refusal = is_refusal(event.signal);
  // Most people stay far below any limit, and of them no text is kept; of refused recipients, which
  // few people have, the hosts are.
  if (!refusal && !near_limit) return;
  const auto note = [&](SeenHost& seen) { ++(refusal ? seen.refusals : seen.others); };
  const auto known = std::find_if(hosts.begin(), hosts.end(),
                                  [&](const SeenHost& host) { return host.host == event.host; });
  if (known != hosts.end()) {
    note(*known);
  } else if (hosts.size() < kMaxHosts) {
    note(hosts.emplace_back(SeenHost{std::string(event.host)}));
  } else {
    ++(refusal ? further_refusals : further_others);
  }
  // Of what was accepted no text is kept but the host.
  if (!near_limit || event.signal == Signal::accepted) return;
  const auto alike = [&](const Sample& sample) {
    return refusal ? is_refusal(sample.signal) : sample.signal == event.signal;
  };
  if (samples.size() >= kMaxSamples &&
      static_cast<std::size_t>(std::count_if(samples.begin(), samples.end(), alike)) >= kMaxSamples)
    samples.erase(std::find_if(samples.begin(), samples.end(), alike));
  samples.push_back(
      {event.time.time_since_epoch().count(), cut(event.host),
       cut(event.signal == Signal::auth_failed ? event.set_id.value_or("") : event.recipient),
       cut(event.reason), event.signal});
}

void Subject::forget_evidence() {
  hosts.clear();
  further_refusals = further_others = 0;
  samples.clear();
}

void Subject::add_evidence(const Rule& rule, Decision& decision) const {
  const auto any = [&](auto wanted) {
    return std::any_of(rule.signals.begin(), rule.signals.end(), wanted);
  };
  const bool refusals = any(is_refusal);
  const bool others = any([](Signal signal) { return !is_refusal(signal); });
  const auto events = [&](std::uint32_t of_refusals, std::uint32_t of_others) {
    return (refusals ? of_refusals : 0) + (others ? of_others : 0);
  };
  for (const auto& host : hosts) {
    const auto count = events(host.refusals, host.others);
    if (count > 0) decision.hosts.push_back({host.host, count});
  }
  decision.other_hosts = events(further_refusals, further_others);
  for (const auto& sample : samples) {
    const bool heard = is_refusal(sample.signal)
                           ? refusals
                           : any([&](Signal signal) { return signal == sample.signal; });
    if (heard) decision.samples.push_back(sample);
  }
}

}  // namespace agent
