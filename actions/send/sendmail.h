// A message to a program on its standard input: exim -i -f <> -- RECIPIENT... No shell anywhere.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

// Runs argv (argv[0] an absolute path) followed by "--" and the recipients, gives it `message`, and
// waits. It is killed after `deadline`. The child gets a small environment and no descriptor of
// ours. Error: what it printed, cleaned and cut, and its exit status.
[[nodiscard]] Result<Done> send_by_program(const std::vector<std::string>& argv,
                                           const std::vector<std::string>& recipients,
                                           std::string_view message,
                                           std::chrono::milliseconds deadline);

// The same without recipients: argv as it is, and `environment` ("NAME=value") beside the small
// one.
[[nodiscard]] Result<Done> hand_to_program(const std::vector<std::string>& argv,
                                           const std::vector<std::string>& environment,
                                           std::string_view input,
                                           std::chrono::milliseconds deadline);

}  // namespace actions
