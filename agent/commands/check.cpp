#include <fmt/format.h>

#include "agent/commands/command.h"
#include "agent/config_text.h"
#include "agent/surroundings.h"

namespace agent {

Exit run_check(const Invocation& invocation) {
  const auto around = surroundings(invocation.config);
  if (const auto* problem = std::get_if<std::string>(&around)) {
    fmt::print(stderr, "exiwarden: {}: {}\n", invocation.config_path, *problem);
    return kBadConfig;
  }
  fmt::print("# {}: sound. What is in force:\n{}", invocation.config_path,
             effective_config(invocation.config));
  return kDone;
}

}  // namespace agent
