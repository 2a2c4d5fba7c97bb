#include "agent/output/relative_time.h"

#include <fmt/format.h>

namespace agent {

std::string rough_text(std::chrono::seconds length) {
  const auto seconds = length.count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min", seconds / 60);
  if (seconds < 2 * 86400L) return fmt::format("{} h", seconds / 3600);
  return fmt::format("{} d", seconds / 86400);
}

std::string ago_text(Instant then, Instant now) {
  if (then == now) return "now";
  return then < now ? rough_text(now - then) + " ago" : "in " + rough_text(then - now);
}

std::string left_text(Instant end, Instant now) {
  return end > now ? rough_text(end - now) + " left" : "over";
}

}  // namespace agent
