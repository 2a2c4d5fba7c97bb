// Hands a message to a program on its standard input: exim -i -f <> -- RECIPIENT... No shell is
// involved.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

// Runs argv (argv[0] an absolute path) followed by "--" and the recipients, gives it `message`, and
// waits. The program is killed after `deadline`. The child gets a small environment and no
// descriptor of ours. The error holds what it printed, cleaned and cut, and its exit status.
[[nodiscard]] Result<Done> send_by_program(const std::vector<std::string>& argv,
                                           const std::vector<std::string>& recipients,
                                           std::string_view message,
                                           std::chrono::milliseconds deadline);

// Does the same without recipients: runs argv as it is, with `environment` ("NAME=value") added to
// the small one.
[[nodiscard]] Result<Done> hand_to_program(const std::vector<std::string>& argv,
                                           const std::vector<std::string>& environment,
                                           std::string_view input,
                                           std::chrono::milliseconds deadline);

}  // namespace actions
