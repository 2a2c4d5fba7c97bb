// Coverage: what a reading of logs looked at, for the lines that end replay, tune and evidence: "no
// limit was reached" means nothing without it. Memory is bounded, however many hosts there are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "agent/archive/log_selection.h"
#include "agent/core/pipeline.h"
#include "parsers/string_hash.h"

namespace agent {

class Coverage {
 public:
  // Counts an event that is asked for.
  void note(const Signalled& signalled);
  // Returns one or two lines: what was read, and what was left out. `counters` are the pipeline's.
  [[nodiscard]] std::vector<std::string> text(const LogMerge::Extent& extent,
                                              const parsers::ReaderCounters& counters,
                                              const ReadPlan& plan) const;

 private:
  static constexpr std::size_t kMaxHosts = 65536;  // kept apart

  void note_sender(const Charge& charge);
  // Returns true if this hash was not among spellings_.
  bool note_spelling(std::uint64_t hash);
  void note_outsider(std::string_view host);
  [[nodiscard]] std::string outsiders_text(bool any_relays) const;

  std::uint64_t refused_ = 0, failed_ = 0;  // charged
  std::uint64_t exempt_ = 0, own_ = 0, nobody_ = 0, outsiders_ = 0;
  // Senders by a hash of their kind and folded name; and by one of the name as it is printed, so
  // that only the first event of each spelling needs folding. The latter is a table with open
  // addresses, a power of two wide and at most half full: every event looks there.
  std::unordered_set<std::uint64_t> senders_;
  std::vector<std::uint64_t> spellings_ = std::vector<std::uint64_t>(1024);  // 0: free
  std::size_t spellings_known_ = 0;
  parsers::StringMap<std::uint64_t> hosts_;  // outsiders, and their events
  bool more_hosts_ = false;                  // than are kept: those with the fewest were dropped
};

}  // namespace agent
