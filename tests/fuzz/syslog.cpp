// The same for a file that a syslog daemon wrote: every line gets one of its prefixes first.
#include "events.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto cut = fuzz::take_choice(input);
  std::string log;
  while (!input.empty()) {
    const auto line = input.substr(0, input.find('\n'));
    input.remove_prefix(std::min(input.size(), line.size() + 1));
    static constexpr const char* kBefore[] = {
        "Nov 23 10:56:18 mx exim[418", "2026-11-23T10:56:18+01:00 mx exim[418",
        "Nov 23 10:56:18 mx mail.info exim[418", "Mon 2026-11-23 10:56:18 CET mx exim[418",
        "<22>1 2026-11-23T10:56:18Z mx exim 418"};
    const auto form = line.size() % 5;
    log += kBefore[form];
    log += static_cast<char>('0' + line.size() % 3);
    log += form == 4 ? " - [a b=\"c\"] " : "]: ";
    log += line;
    log += '\n';
  }
  fuzz::require_same_for_any_cut(log, cut);
  return 0;
}
