// Any text and argument: masking leaves no trace of the recipient, masks nothing twice, and what is
// remembered about a text is what the patterns say.
#include "parsers/reasons/reasons.h"

#include "fuzz.h"
#include "parsers/entries/rejection.h"
#include "parsers/reasons/reason_text.h"

namespace {

bool may_be_in_address(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' ||
         c == '_' || c == '-' || c == '+';
}

}  // namespace

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
    for (auto at = masked.find(recipient); at != std::string::npos;
         at = masked.find(recipient, at + 1)) {
      // What only ends or begins like it is another address: "a@b.c" is not in "aa@b.c".
      const auto end = at + recipient.size();
      fuzz::require((at > 0 && may_be_in_address(masked[at - 1])) ||
                    (end < masked.size() && may_be_in_address(masked[end])));
    }
  }
  fuzz::require(memory.of(text, argument) == kReasons->classify(masked));
  fuzz::require(memory.of(text, argument) == kReasons->classify(masked));
  return 0;
}
