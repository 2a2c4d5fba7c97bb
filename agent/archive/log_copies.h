// Finds the bytes of a log that another file holds too: whole copies, copies made while the log was
// still growing, and excerpts. Files are compared by their content, packed or not, never by name.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actions/result.h"

namespace agent {

// Both functions give up when Ctrl-C asks for an end (interrupt.h): files that are not known to be
// the same then count as different.

enum class Sameness { different, equal, left_in_right, right_in_left };

// Compares two logs that may begin alike, byte by byte from their first one, as far as both can be
// read.
[[nodiscard]] Sameness compare_logs(const std::string& left, const std::string& right);

struct Overlap {
  std::uint64_t shared = 0;                  // bytes at the beginning of `later`, whole lines only
  bool whole = false;                        // all of `later` stands in `earlier`
  std::optional<actions::Error> fault = {};  // why `later` ends there, if it is whole
};

// Finds where `later` begins inside `earlier` if both are the same from there on, until one of them
// ends. Returns nullopt if there is no such place.
[[nodiscard]] std::optional<Overlap> overlap_of(const std::string& earlier,
                                                const std::string& later);

}  // namespace agent
