// Exim's spool header files: what is accepted has one-line fields out of the text, and a variable
// that holds any bytes changes none of them.
#include <algorithm>
#include <string>

#include "actions/exim/spool_header.h"
#include "fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto input = fuzz::text(data, size);
  const auto choice = fuzz::take_choice(input);
  const auto id = input.substr(0, input.find("-H\n"));
  actions::QueuedMessage message;
  if (!actions::parse_spool_header(input, id, message)) return 0;
  fuzz::require(actions::is_message_id(id) && message.id == id && message.size <= input.size());
  for (const auto* field : {&message.user, &message.host, &message.authenticator, &message.login}) {
    fuzz::require(field->find('\n') == std::string::npos);
    fuzz::require(input.find(*field) != std::string_view::npos);
  }
  std::size_t fields = 0;
  for (int line = 0; line < 4; ++line) fields = input.find('\n', fields) + 1;
  const auto value = input.substr(choice % input.size());
  std::string more(input);
  more.insert(fields,
              "--aclm x " + std::to_string(value.size()) + "\n" + std::string(value) + "\n");
  actions::QueuedMessage again;
  fuzz::require(actions::parse_spool_header(more, id, again));
  fuzz::require(again.user == message.user && again.host == message.host &&
                again.authenticator == message.authenticator && again.login == message.login &&
                again.frozen == message.frozen && again.thawed_by_hand == message.thawed_by_hand &&
                again.received == message.received && again.size == message.size);
  return 0;
}
