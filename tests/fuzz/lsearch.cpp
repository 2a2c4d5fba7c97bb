// Any bytes as a key: the line written for it is found under that key and no other. Any bytes as a
// file: what is read lies in it, in order, and removing an entry's bytes removes that entry.
#include "actions/lists/lsearch.h"

#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = fuzz::text(data, size);
  if (const auto line = actions::list_line(input, "1 rule 2")) {
    fuzz::require(line->find('\n') == line->size() - 1);
    const auto entries = actions::read_list(*line);
    fuzz::require(entries.size() == 1 && entries[0].key == input);
    fuzz::require(entries[0].begin == 0 && entries[0].end == line->size());
  }
  const auto entries = actions::read_list(input);
  std::size_t at = 0;
  for (const auto& entry : entries) {
    fuzz::require(entry.begin >= at && entry.end > entry.begin && entry.end <= input.size());
    at = entry.end;
  }
  return 0;
}
