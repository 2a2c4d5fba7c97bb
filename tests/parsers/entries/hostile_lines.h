// Refusals as Exim would print them, with fields drawn from what hostile people write, and what is
// true of each. Shares no code with parsers/.
#pragma once

#include <random>
#include <string>

#include "second_reading.h"

namespace hostile_lines {

using second_reading::Reading;

struct Line {
  Reading truth;
  std::string payload;
  bool junk = false;         // HELO that only helo_accept_junk_hosts lets pass
  bool undecidable = false;  // free text of a stranger, or a login that holds the words
};

// The same seed gives the same lines.
class Generator {
 public:
  explicit Generator(unsigned seed) : random_(seed) {}
  Line line();

 private:
  std::mt19937 random_;
};

}  // namespace hostile_lines
