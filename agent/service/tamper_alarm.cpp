#include "agent/service/tamper_alarm.h"

#include <fmt/format.h>

#include <numeric>

namespace agent {
namespace {

constexpr auto kAmbiguous = static_cast<std::size_t>(parsers::Kind::ambiguous);

template <std::size_t N>
std::uint64_t sum_of(const std::array<std::uint64_t, N>& counts, std::size_t from = 0) {
  return std::accumulate(counts.begin() + static_cast<std::ptrdiff_t>(from), counts.end(),
                         std::uint64_t{0});
}

}  // namespace

std::vector<std::string> TamperAlarm::news(
    const parsers::ReaderCounters& counters,
    const std::array<std::uint64_t, TagCheck::kVerdicts>& tagged, Steady now) {
  constexpr auto kFirstBadVerdict = static_cast<std::size_t>(TagCheck::Verdict::good) + 1;
  struct Seen {
    std::uint64_t count;
    const char* what;
  };
  const std::array<Seen, kKinds> seen{{
      {counters.overflowed,
       "entries that overflowed Exim's log buffer: refusals in them are lost, and a client can do "
       "that on purpose by a long HELO name (helo.conf refuses those)"},
      {sum_of(counters.unreadable),
       "lines that begin like a refused recipient but are malformed: they charge nobody; explain "
       "says where they can't be read"},
      {counters.events[kAmbiguous] - counters.distrusted,
       "refusals whose sender is not certain: they charge nobody; explain says why"},
      {counters.distrusted,
       "pieces of evidence inside the entry of an arriving message: somebody writes lines into the "
       "log, and they charge nobody"},
      {counters.bad_tagged + sum_of(tagged, kFirstBadVerdict),
       "tagged lines that are malformed or lack the right tag: they charge nobody"},
      {counters.bad_arrivals,
       "arriving messages that don't say without doubt who submitted them: their failed deliveries "
       "charge nobody"},
      {counters.too_long, "lines too long to be Exim's: they were passed over"},
      {counters.lost_pieces, "pieces of entries in syslog whose other pieces are missing"},
  }};
  std::vector<std::string> said;
  for (std::size_t i = 0; i < kKinds; ++i) {
    auto& kind = kinds_[i];
    if (seen[i].count == kind.said || now < kind.next) continue;
    said.push_back(fmt::format("in the log: {} {}", seen[i].count - kind.said, seen[i].what));
    kind = {seen[i].count, now + kEvery};
  }
  return said;
}

}  // namespace agent
