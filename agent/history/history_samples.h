// The samples of a history entry: refused recipients, as a JSON array of objects.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/core/decision.h"
#include "agent/values/zone.h"

namespace agent {

// A sample as it is read back; its bytes are as the log had them.
struct HistorySample {
  std::string time, host, recipient, reason;
};

// Returns "" if there are none.
[[nodiscard]] std::string samples_json(const std::vector<Sample>& samples, const Zone& zone);
// Returns what can be read of it: the file may hold anything.
[[nodiscard]] std::vector<HistorySample> samples_in(std::string_view json);

}  // namespace agent
