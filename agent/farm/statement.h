// What the farm knows of one identity in one list: the last word on whether it is blocked, and
// whose. Words are ordered by the server's clock, then by host name, so that whoever has heard the
// same words agrees. As text it stands in the server, in its stream and in the checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/farm_names.h"
#include "agent/core/decision.h"

namespace agent {

// A list by the name of its file, which all hosts share, and the folded key in it.
struct FarmName {
  std::string list, key;
  // clang-tidy 14 sees a 0 in what the compiler makes of it. NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const FarmName&) const = default;
};

struct FarmStatement {
  enum class Why {
    count,  // the farm's count reached a limit
    host,   // one host's own count did
    hand,   // somebody's
  };
  bool blocked = false;
  std::int64_t stamp = 0;  // milliseconds since 1970 UTC, by the server's clock
  std::string host;        // whose word it is; for Why::count the host that sent the last event
  std::string teller;      // who tells of it if not `host`: it had blocked before, and still did
  Why why = Why::hand;
  std::string identity;               // as Exim prints it
  std::optional<std::int64_t> until;  // seconds since 1970 UTC: the block ends by itself

  // Of a limit that was reached, else empty.
  std::string rule;
  std::int64_t time = 0, first = 0, period = 0;  // seconds
  std::uint32_t count = 0, limit = 0, times = 1;
  std::vector<HostCount> hosts;  // of the farm: who counted how many

  bool operator==(const FarmStatement&) const = default;
  [[nodiscard]] bool newer_than(const FarmStatement& other) const {
    return stamp != other.stamp ? stamp > other.stamp : host > other.host;
  }
  // The host that sends the one notice.
  [[nodiscard]] const std::string& told_by() const { return teller.empty() ? host : teller; }
  // Nobody is kept out by it at `now` (seconds).
  [[nodiscard]] bool over(std::int64_t now) const { return !blocked || (until && *until <= now); }
};

// What a word can be about: neither too long nor with a control byte in it.
[[nodiscard]] bool is_farm_identity(std::string_view identity);

[[nodiscard]] std::string encode(const FarmName& name);
[[nodiscard]] std::optional<FarmName> decode_farm_name(std::string_view text);

// nullopt: not what we or one of our scripts wrote. Whatever it gives is fit for a list: the
// identity is the key in some spelling, no control byte in it, every number within its bounds.
[[nodiscard]] std::string encode(const FarmStatement& record);
[[nodiscard]] std::optional<FarmStatement> decode_farm_statement(const FarmName& name,
                                                                 std::string_view text);

}  // namespace agent
