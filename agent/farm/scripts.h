// kCountScript and its kin: the scripts that run in the farm's server, as they stand beside this
// file.
#pragma once

#include <string_view>

namespace agent {

extern const std::string_view kCountScript, kChangeScript, kForgetScript;

}  // namespace agent
