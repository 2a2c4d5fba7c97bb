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
  return std::all_of(windows.begin(), windows.end(), [&](const Window& window) {
    return window.empty() || window.newest() <= time;
  });
}

void Subject::remember(const Occurrence& event, bool near_limit) {
  const auto known = std::find_if(hosts.begin(), hosts.end(),
                                  [&](const HostCount& host) { return host.host == event.host; });
  if (known != hosts.end()) {
    ++known->count;
  } else if (hosts.size() < kMaxHosts) {
    hosts.push_back({std::string(event.host), 1});
  } else {
    ++other_hosts;
  }
  // Most people stay far below any limit: for them no text is kept.
  if (!near_limit) return;
  if (samples.size() >= kMaxSamples) samples.erase(samples.begin());
  samples.push_back({event.time.time_since_epoch().count(), cut(event.host), cut(event.recipient),
                     cut(event.reason)});
}

void Subject::forget_evidence() {
  hosts.clear();
  other_hosts = 0;
  samples.clear();
}

}  // namespace agent
