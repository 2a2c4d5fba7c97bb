// The prefix that Exim puts before every entry: TS [SP ZONE] [SP "[" PID "]"] [SP MSGID] SP
// PAYLOAD. Source: log.c log_write, tod.c tod_stamp.
#pragma once

#include <optional>
#include <string_view>

#include "parsers/fields/stamp.h"

namespace parsers {

struct Prefix {
  Stamp stamp;
  std::string_view message_id;  // empty if the entry has none
  std::string_view payload;     // what the entry says; may start with a blank (" DSH=...")
};

// Parses the prefix of an entry in a log file.
[[nodiscard]] std::optional<Prefix> parse_prefix(std::string_view line);
[[nodiscard]] std::optional<Prefix> parse_prefix(std::string_view line, StampMemory& stamps);
// Parses [SP "[" PID "]"] [SP MSGID] SP PAYLOAD, after a timestamp that was already taken.
[[nodiscard]] std::optional<Prefix> parse_after_stamp(const Stamp& stamp, std::string_view rest);
// Returns a message id at the start of `text`, followed by a blank or the end: 6-6-2 up to
// Exim 4.96, 6-11-4 since 4.97 (local_scan.h MESSAGE_ID_*). Empty if there is none.
[[nodiscard]] std::string_view leading_message_id(std::string_view text);

}  // namespace parsers
