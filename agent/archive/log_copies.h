// Which bytes of a log stand in another file too: whole copies, copies made while the log was still
// growing, and excerpts. Files are told by what is in them, packed or not, never by their names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "actions/result.h"

namespace agent {

// Both give up when Ctrl-C asks for an end (interrupt.h): what is not known to be the same is
// different.

enum class Sameness { different, equal, left_in_right, right_in_left };

// Of two logs that may begin alike: what can be read of both, byte by byte, from their first one.
[[nodiscard]] Sameness compare_logs(const std::string& left, const std::string& right);

struct Overlap {
  std::uint64_t shared = 0;                  // bytes at the beginning of `later`, whole lines only
  bool whole = false;                        // all of `later` stands in `earlier`
  std::optional<actions::Error> fault = {};  // why `later` is no longer, if it is whole
};

// `later` begins somewhere inside `earlier`, and both are the same from there on, until one of them
// ends. nullopt: it does not.
[[nodiscard]] std::optional<Overlap> overlap_of(const std::string& earlier,
                                                const std::string& later);

}  // namespace agent
