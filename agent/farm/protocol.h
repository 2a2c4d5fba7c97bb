// FarmEvent and the answers: what is sent to the farm's server, and what its answers must look like
// to be believed. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "agent/core/config.h"
#include "agent/farm/answer.h"
#include "agent/farm/statement.h"

namespace agent {

// One event for the farm's window of a rule and an identity. Where attempts are counted `member` is
// its number among those of this host and identity in the same second; where distinct values
// are (recipients, hosts ...), the digest of the value.
struct FarmEvent {
  std::uint32_t rule = 0;  // index in the configuration
  std::uint32_t limit = 0;
  std::int64_t time = 0;
  std::uint64_t member = 0;
  std::string key;       // folded
  std::string identity;  // as Exim prints it
};

// Returns the rules as the script wants them; they are the same for every batch.
[[nodiscard]] std::vector<std::string> farm_rules(const std::vector<Rule>& rules);

// Returns what follows EVALSHA and the script's digest. Events of one identity are put together, in
// their order.
[[nodiscard]] std::vector<std::string> count_arguments(const std::string& prefix,
                                                       const std::string& epoch,
                                                       const std::string& host,
                                                       const std::vector<std::string>& rules,
                                                       std::span<const FarmEvent> events);

struct FarmCounts {
  std::uint64_t added = 0, again = 0, blocked = 0;
  std::uint64_t late = 0, ahead = 0;  // refused: too far from the server's clock
  std::uint64_t crowded = 0;          // decisions that the server had no room for
};
struct NamedStatement {
  FarmName name;
  FarmStatement record;
  bool operator==(const NamedStatement&) const = default;
};

// Each of these functions returns nullopt if the answer is not what our script gives. Statements
// that are none of ours are left out and counted as `strange`: one such entry in the server must
// not keep the others from being read.
struct CountAnswer {
  FarmCounts counts;
  std::vector<NamedStatement> decided;
  std::size_t strange = 0;
};
[[nodiscard]] std::optional<CountAnswer> read_count(const Answer& answer);

struct ChangeAnswer {
  std::optional<FarmStatement> holds;  // the word that holds now; nullopt: none that we understand
  bool no_room = false;                // none at all: the server has as many as it takes
  bool blocked_before = false;         // somebody else was first
};
[[nodiscard]] std::optional<std::vector<ChangeAnswer>> read_changes(
    const Answer& answer, std::span<const NamedStatement> proposed);

struct PullAnswer {
  std::string cursor;  // "0": that was all
  std::vector<NamedStatement> words;
  std::size_t strange = 0;
};
[[nodiscard]] std::optional<PullAnswer> read_pull(const Answer& answer);

struct FeedAnswer {
  std::string position;  // of the last entry; empty: nothing new
  std::vector<NamedStatement> words;
  std::size_t strange = 0;
};
[[nodiscard]] std::optional<FeedAnswer> read_feed(const Answer& answer);

// Returns true for the id of a stream's entry: digits, "-", digits.
[[nodiscard]] bool is_feed_position(std::string_view text);

// The window of a rule and an identity: which host counted how much of it.
struct FarmWindow {
  std::vector<HostCount> hosts;      // the largest count first
  std::int64_t first = 0, last = 0;  // seconds; of its oldest and newest event
};
// `events`: names and scores of the window's newest events, the newest first; `senders`: the hosts
// beside them, where their names do not say it. Of those, the ones within `period` of the newest.
[[nodiscard]] std::optional<FarmWindow> read_window(const Answer& events, const Answer* senders,
                                                    std::chrono::seconds period);

// What INFO says of the server.
struct FarmServer {
  std::string version, run_id, memory_policy;
};
[[nodiscard]] std::optional<FarmServer> read_info(const Answer& answer);

// Returns the answer to TIME, in milliseconds since 1970 UTC.
[[nodiscard]] std::optional<std::int64_t> read_time(const Answer& answer);

// A host as status --farm shows it.
struct FarmHost {
  std::string name;
  std::int64_t seen = 0, refused = 0;  // seconds, by the server's clock: the last time of each
  std::uint64_t ahead = 0, late = 0;
};
[[nodiscard]] std::optional<std::vector<FarmHost>> read_hosts(const Answer& answer);

enum class Refusal { other_epoch, full, not_permitted, busy, no_script, other };
[[nodiscard]] Refusal refusal_of(const Answer& error);
// Returns what the server said, cut and printable, for people.
[[nodiscard]] std::string refusal_text(const Answer& error);

}  // namespace agent
