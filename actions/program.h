// A program, run to its end. No shell: the words are its arguments, whatever is in them.
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
  std::string output;   // of standard output the first `limit` bytes; the rest is read and dropped
  std::string errors;   // of standard error the first `errors_limit` bytes
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

// Control bytes as blanks, at most 400 bytes: fit for a log line.
[[nodiscard]] std::string cleaned(std::string_view text);

}  // namespace actions
