// Runs a program to its end. No shell is involved: the arguments may hold any bytes.
#pragma once

#include <chrono>
#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

struct Ended {
  int exit_status = 0;  // 128 + signal if one killed it
  std::string output;   // the first `limit` bytes of standard output; the rest is read and dropped
  std::string errors;   // the first `errors_limit` bytes of standard error
};

struct ProgramOptions {
  std::chrono::milliseconds deadline{30'000};
  std::size_t limit = std::size_t{64} << 20;
  std::size_t errors_limit = 400;
  std::vector<std::string> environment;  // "NAME=value", beside PATH and LANG=C
  std::stop_token stop = {};             // a request is a deadline that has come
};

// argv[0] is an absolute path. The child gets `input` as its standard input, a small environment,
// default signals and no descriptor of ours. After the deadline it and its children are killed:
// Errc::timeout.
[[nodiscard]] Result<Ended> run_program(const std::vector<std::string>& argv,
                                        std::string_view input, const ProgramOptions& options);

// Returns at most 400 bytes of `text`, with control bytes as blanks: fit for a log line.
[[nodiscard]] std::string cleaned(std::string_view text);

}  // namespace actions
