// What status and list show of the farm, asked from its server; the service need not run.
#pragma once

#include "agent/commands/command.h"

namespace agent {

Exit show_farm(const Invocation& invocation);
Exit list_farm(const Invocation& invocation);

}  // namespace agent
