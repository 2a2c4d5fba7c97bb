// The rules for stolen accounts that ship as comments, in conf/exiwarden.toml and in what init
// writes: all on trial. conf/stolen-accounts.md argues for their limits.
#pragma once

#include <string_view>

namespace agent {

[[nodiscard]] std::string_view trial_rules();

}  // namespace agent
