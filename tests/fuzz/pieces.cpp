// An entry that Exim cut for syslog is joined to what it was, whatever it holds and whatever other
// processes write in between; one with a lost piece is never seen.
#include "events.h"
#include "parsers/fields/syslog.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto length = fuzz::take_choice(input) + 1;
  const auto lost = fuzz::take_choice(input);
  const std::string entry(input.substr(0, input.find('\n')));
  const auto count = (entry.size() + length - 1) / length;
  if (count < 2 || count > 99) return 0;

  parsers::SyslogPieces pieces;
  for (const bool complete : {true, false}) {
    std::size_t joined = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (!complete && i == lost % count) continue;
      const auto piece = "[" + std::to_string(i + 1) + "/" + std::to_string(count) + "] " +
                         entry.substr(i * length, length);
      std::string_view got;
      const auto result = pieces.add("1", piece, got);
      if (result == parsers::SyslogPieces::Result::joined) {
        fuzz::require(got == entry);
        ++joined;
      } else {
        fuzz::require(result == parsers::SyslogPieces::Result::held);
      }
      fuzz::require(pieces.add("2", "H=x", got) == parsers::SyslogPieces::Result::whole);
    }
    fuzz::require(joined == (complete ? 1U : 0U));
  }
  return 0;
}
