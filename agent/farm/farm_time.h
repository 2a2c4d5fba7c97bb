// FarmTime: one moment, by the clocks of this host and by that of the farm's server, whose time
// stands in statements.
#pragma once

#include <cstdint>

#include "agent/farm/statement.h"
#include "agent/values/now.h"

namespace agent {

// Returns seconds since 1970 UTC, as statements have them.
inline std::int64_t seconds_of(Instant time) {
  return time.time_since_epoch().count();
}

struct FarmTime {
  Now here;
  std::int64_t offset = 0;  // the server's clock less this host's, in milliseconds

  // A statement that is further ahead was stamped by a clock that was wrong, or by somebody who
  // lies.
  static constexpr std::int64_t kAhead = 300'000;  // milliseconds

  // Returns milliseconds since 1970 UTC by the server's clock, as far as this host knows it.
  [[nodiscard]] std::int64_t server() const { return server(seconds_of(here.wall)); }
  // Returns the same for a time in seconds by this host's clock.
  [[nodiscard]] std::int64_t server(std::int64_t seconds) const { return seconds * 1000 + offset; }
  [[nodiscard]] bool is_ahead(const FarmStatement& statement) const {
    return statement.stamp > server() + kAhead;
  }
};

}  // namespace agent
