// A chart for a page: how many identities reached which count, and where a limit separates them.
#pragma once

#include <string>

#include "agent/tune/tune_text.h"

namespace agent {

// `limit` 0: no line. The bars right of the line are the identities that it blocks.
[[nodiscard]] std::string peaks_svg(const Tuning& tuning, std::size_t period, std::uint32_t limit);

}  // namespace agent
