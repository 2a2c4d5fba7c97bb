// Any text and argument: masking leaves no trace of the recipient, masks nothing twice, and what is
// remembered about a text is what the patterns say.
#include "parsers/reasons/reasons.h"

#include "fuzz.h"
#include "parsers/entries/rejection.h"
#include "parsers/reasons/reason_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto kReasons = parsers::Reasons::defaults();
  static parsers::ReasonMemory memory(kReasons);
  const auto input = fuzz::text(data, size);
  const auto argument = input.substr(0, input.find('\n'));
  const auto text = input.substr(std::min(input.size(), argument.size() + 1));
  parsers::MaskedReason masked_reason;
  parsers::mask_reason(text, argument, {}, masked_reason);
  const auto& masked = masked_reason.text;
  const auto recipient = parsers::without_brackets(argument);
  if (recipient.size() >= 5 && recipient.find('@') != std::string_view::npos &&
      recipient.find_first_of("<> ") == std::string_view::npos) {
    // By itself, for "a@b.c" is another address in "aa@b.c".
    parsers::MaskedReason alone;
    parsers::mask_reason("no " + std::string(recipient) + " here", argument, {}, alone);
    fuzz::require(alone.text.find(recipient) == std::string::npos);
  }
  fuzz::require(memory.of(text, argument) == kReasons->classify(masked));
  fuzz::require(memory.of(text, argument) == kReasons->classify(masked));
  return 0;
}
