// Bytes in any chunking -> the same whole lines, and no byte unaccounted for.
#include "parsers/fields/lines.h"

#include <span>
#include <string>

#include "fuzz.h"

namespace {

struct Got {
  std::string text;
  std::uint64_t dropped = 0, pending = 0;
  bool operator==(const Got&) const = default;
};

Got collect(std::string_view input, std::size_t cut) {
  Got got;
  parsers::WholeLines lines;
  while (!input.empty()) {
    const auto length = std::min(cut, input.size());
    lines.feed(
        input.substr(0, length),
        [&](std::string_view block) {
          fuzz::require(block.ends_with('\n'));
          // A line that is too long comes whole if it lay in one chunk; the reader tells it then.
          while (!block.empty()) {
            const auto line = block.substr(0, block.find('\n') + 1);
            block.remove_prefix(line.size());
            if (line.size() > parsers::kMaxLine) {
              got.dropped += line.size();
            } else {
              got.text += line;
            }
          }
        },
        [&](std::uint64_t bytes) { got.dropped += bytes; });
    input.remove_prefix(length);
  }
  got.pending = lines.pending();
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto cut = fuzz::take_choice(input) + 1;
  // Stretched, so that lines over the limit are met too: one such line and more, no further, as
  // each input is read twice and the fuzzer lives by its rate.
  std::string log;
  for (const char c : input) {
    log.append(c == 'L' && log.size() < 2 * parsers::kMaxLine ? parsers::kMaxLine / 3 : 1, c);
  }
  const auto whole = collect(log, log.size() + 1);
  fuzz::require(collect(log, log.size() > 4096 ? cut * 997 : cut) == whole);
  fuzz::require(whole.text.size() + whole.dropped + whole.pending == log.size());
  return 0;
}
