// How many identities came how far, and where a limit parts them, as a picture for a page.
#pragma once

#include <string>

#include "agent/tune/tune_text.h"

namespace agent {

// `limit` 0: no line. Bars right of the line are those that it blocks.
[[nodiscard]] std::string peaks_svg(const Tuning& tuning, std::size_t period, std::uint32_t limit);

}  // namespace agent
