// What the columns of -o csv, and the fields of -o jsonl, mean: for the manual page, and held to
// what the commands print by the tests.
#pragma once

#include <span>

namespace agent {

struct OutputColumn {
  const char* name;  // several with the same explanation: "hits, misses"
  const char* meaning;
};

struct OutputTable {
  const char* command;  // "events", or with the option that adds the columns: "replay --summary"
  const char* about;    // what one row is
  std::span<const OutputColumn> columns;
};

// Every command whose output is meant to be read by programs.
[[nodiscard]] std::span<const OutputTable> output_tables();

}  // namespace agent
