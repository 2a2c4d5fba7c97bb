// status --watch: the state of the service, drawn once a second until somebody ends it.
#pragma once

#include "agent/commands/command.h"

namespace agent {

[[nodiscard]] Exit watch_status(const Invocation& invocation);

}  // namespace agent
