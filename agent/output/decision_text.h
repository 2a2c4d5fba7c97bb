// A decision as an output row and as text.
#pragma once

#include <string>

#include "agent/core/decision.h"
#include "agent/output/output_row.h"

namespace agent {

// Returns the fields of the contract, in its order.
[[nodiscard]] OutputRow row_of(const Decision& decision, const Zone& zone);
// Returns "user alice: 100 in 1h (rule authenticated) since ... at mainlog:1234", fit for a
// terminal.
[[nodiscard]] std::string text_of(const Decision& decision, const Zone& zone);

}  // namespace agent
