// FarmStatement: what a host states about one identity in one list: whether it is blocked, since
// when and why. Statements are ordered by the server's clock, then by host name, so that all hosts
// that have heard the same ones agree. As text it stands in the server, in its stream and in the
// checkpoint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/config/farm_names.h"
#include "agent/core/decision.h"

namespace agent {

// FarmName: what a statement is about: a list, by the name of its file, which all hosts share, and
// the folded key in it.
struct FarmName {
  std::string list, key;
  // clang-tidy 14 sees a 0 in what the compiler makes of it. NOLINTNEXTLINE(modernize-use-nullptr)
  auto operator<=>(const FarmName&) const = default;
};

struct FarmStatement {
  enum class Why {
    count,  // the farm's count reached a limit
    host,   // one host's own count did
    hand,   // somebody has changed the list
  };
  bool blocked = false;
  std::int64_t stamp = 0;  // milliseconds since 1970 UTC, by the server's clock
  std::string host;        // that states it; for Why::count the host that sent the last event
  std::string teller;      // the host that tells of it, if another: it had blocked before already
  Why why = Why::hand;
  std::string identity;               // as Exim prints it
  std::optional<std::int64_t> until;  // seconds since 1970 UTC: the block ends by itself

  // The limit that was reached; empty if none was.
  std::string rule;
  std::int64_t time = 0, first = 0, period = 0;  // seconds
  std::uint32_t count = 0, limit = 0, times = 1;
  std::vector<HostCount> hosts;  // how many each host counted

  bool operator==(const FarmStatement&) const = default;
  [[nodiscard]] bool newer_than(const FarmStatement& other) const {
    return stamp != other.stamp ? stamp > other.stamp : host > other.host;
  }
  // Returns the host that sends the one notice.
  [[nodiscard]] const std::string& told_by() const { return teller.empty() ? host : teller; }
  // Returns true if it blocks nothing at `now`, in seconds since 1970 UTC.
  [[nodiscard]] bool over(std::int64_t now) const { return !blocked || (until && *until <= now); }
};

// Returns true if a statement can be about it: it is neither too long nor holds a control byte.
[[nodiscard]] bool is_farm_identity(std::string_view identity);

[[nodiscard]] std::string encode(const FarmName& name);
[[nodiscard]] std::optional<FarmName> decode_farm_name(std::string_view text);

// decode_farm_statement() returns nullopt if neither this program nor one of its scripts wrote the
// text. What it returns is fit for a list: the identity is the key in some spelling, no control
// byte in it, every number within its bounds.
[[nodiscard]] std::string encode(const FarmStatement& record);
[[nodiscard]] std::optional<FarmStatement> decode_farm_statement(const FarmName& name,
                                                                 std::string_view text);

}  // namespace agent
