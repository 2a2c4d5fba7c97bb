// Peaks: what a rule would decide at many limits and periods, in one pass. An identity is blocked
// at limit N exactly if its window comes to hold N events, so the highest count of each period's
// window, and where it first reached each limit, answer for all. One list of times serves all
// periods: each window is its newest part. Equal to a Counting per limit and period, without
// holding so many.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/counting.h"
#include "agent/core/limits.h"
#include "agent/values/zone.h"
#include "parsers/string_hash.h"

namespace agent {

struct Grid {
  std::vector<std::uint32_t> limits;          // ascending, each once
  std::vector<std::chrono::seconds> periods;  // ascending, each once
};

class Peaks {
 public:
  // The event with which a window first held a limit.
  struct Hit {
    Instant time{};
    std::uint64_t event = 0;     // number of the event among the identity's, from 1
    std::uint64_t messages = 0;  // accepted from it until then, if accepted() was called
    std::uint32_t spelling = 0;  // of the identity in that event: names[spelling]
  };
  struct Subject {
    std::vector<std::string> names;  // as Exim printed them, each once, in order
    std::uint64_t events = 0;
    std::uint64_t messages = 0;
    Instant first{}, last{};
    std::vector<std::uint32_t> peaks;    // by period; at most ceiling()
    std::vector<std::vector<Hit>> hits;  // by period, then by limit, as far as it was reached
    std::vector<double> rates;           // by period: highest rate of Exim's ratelimit, if wanted
    // From a [[rule.override]]: it blocks at this count, whatever the rule's limit.
    std::optional<std::uint32_t> own_limit;

   private:
    friend class Peaks;
    std::vector<std::int64_t> times;        // ascending
    std::vector<std::uint64_t> recipients;  // beside times, if recipients are counted
    std::vector<std::size_t> heads;         // by period: its window is times[head..]
    std::vector<double> rate;               // by period: ratelimit's current rate
  };

  // `wants_rates`: also compute what Exim's averaging ratelimit would measure.
  Peaks(const Rule& rule, int ipv6_prefix, Grid grid, bool wants_rates);

  // If not `selected`, the event fills windows, but reaches no limit.
  void add(const Occurrence& event, bool selected = true);
  // Counts a message accepted from this identity.
  void accepted(IdentityKind kind, std::string_view identity);

  [[nodiscard]] const Rule& rule() const { return rule_; }
  [[nodiscard]] const Grid& grid() const { return grid_; }
  // Higher counts are not distinguished.
  [[nodiscard]] std::uint32_t ceiling() const { return ceiling_; }
  // By folded identity; those without an event that counts have events == 0.
  using Subjects = parsers::StringMap<Subject>;
  [[nodiscard]] const Subjects& subjects() const { return subjects_; }

  // Returns the identities that this cell blocks, spelt as in the deciding event, sorted.
  [[nodiscard]] std::vector<std::string> blocked(std::size_t limit, std::size_t period) const;

 private:
  // Returns the subject's name as this rule sees it (relays may be grouped), in `name_`.
  std::string_view name_of(IdentityKind kind, std::string_view identity);
  Subject& subject_of(std::string_view name);
  void place(Subject& subject, std::int64_t at, std::uint64_t recipient) const;
  void measure(Subject& subject, std::uint32_t spelling, Instant time) const;
  void average(Subject& subject, std::int64_t gap) const;
  void trim(Subject& subject) const;

  Rule rule_;
  int ipv6_prefix_;
  Limits overrides_;
  Grid grid_;
  bool wants_rates_;
  std::uint32_t ceiling_;
  Subjects subjects_;
  std::string name_, folded_;  // kept to save allocations
};

}  // namespace agent
