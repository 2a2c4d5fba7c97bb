// Any bytes as a log file: the events don't depend on how it is cut, nor on stops in between.
#include "events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto cut = fuzz::take_choice(input);
  fuzz::require_same_for_any_cut(input, cut);
  return 0;
}
