// list_data() and its kin: what our lines in the lists say behind the key, and what is read back
// from it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/core/decision.h"
#include "agent/values/now.h"
#include "agent/values/zone.h"

namespace agent {

// Returns the data part of our lines: "2026-11-23T11:09:44+01:00 exiwarden rule=NAME count=100
// period=1h", then " until=2026-11-23T12:09:44+01:00" if it ends by itself. With `spool_kib` that
// stands first.
[[nodiscard]] std::string list_data(const Decision& decision, const Zone& zone,
                                    std::optional<std::uint64_t> spool_kib = std::nullopt);
// Returns when the block ends, as the data of such a line, or of one of "block --for", says;
// nullopt: not by itself.
[[nodiscard]] std::optional<Instant> ends_at(std::string_view data);
// Returns true if the data names an end that is no time with its zone: nothing follows from it.
[[nodiscard]] bool has_odd_end(std::string_view data);
// Returns the same data with another end, or without one.
[[nodiscard]] std::string with_end(std::string_view data, std::optional<Instant> until,
                                   const Zone& zone);
// What the data of a line says, by whichever hand it was written; what it does not say is nullopt.
struct ListLine {
  std::optional<Instant> since;
  std::optional<std::string> by;  // "exiwarden", a login, or "farm:HOST"
  std::optional<std::uint64_t> count;
  std::optional<std::chrono::seconds> period;
  std::optional<Instant> until;
  std::optional<std::string> reason;  // of "block --reason"
};
[[nodiscard]] ListLine read_list_data(std::string_view data);
// Returns true if this program has written the data, also by the farm's word.
[[nodiscard]] bool is_ours(const std::string& data);
// Returns when the decision behind such a line was made; nullopt for lines of other hands.
[[nodiscard]] std::optional<Instant> decided_at(const std::string& data);

}  // namespace agent
