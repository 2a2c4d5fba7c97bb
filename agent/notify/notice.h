// The mail that tells the abuse desk of a decision: who, how many, since when, from where, to whom,
// what was written into which list, and the commands to look, release or delete.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/core/config.h"
#include "agent/core/decision.h"
#include "agent/core/silence.h"

namespace agent {

struct Notice {
  std::string message_id;  // the same for the same decision, whenever it is composed
  std::int64_t date = 0;   // seconds since 1970 UTC
  std::string subject, body;
  std::string data;  // of each event one JSON object a line, for programs
  bool operator==(const Notice&) const = default;
};

struct NoticeContext {
  std::string host;         // this machine's name
  std::string config_path;  // empty for the default
  std::string list_line;    // as written, without newline
  std::string exim_binary;
  std::string subject, body;  // templates; empty for our own words
  // The identity stands for others (identity_map): exipick could not find their mail.
  bool mapped = false;
};

[[nodiscard]] Notice compose_notice(const Decision& decision, const Zone& zone, Instant now,
                                    const NoticeContext& context);

// Somebody comes near a limit; nothing was done yet.
[[nodiscard]] Notice compose_watch(const Decision& decision, const Zone& zone, Instant now,
                                   const NoticeContext& context);

// A log is silent against its habit: nothing is counted, whatever is sent.
[[nodiscard]] Notice compose_silence(const Silences::News& news, const Zone& zone, Instant now,
                                     const std::string& host);

// Several notices in one mail: what each is about first, then each in full as far as there is room.
// Not for less than two.
[[nodiscard]] Notice compose_digest(const std::vector<const Notice*>& notices,
                                    const std::string& host);

// One word for a POSIX shell, whatever the bytes but NUL, fit to be pasted into an interactive one:
// no byte in it (but newlines at the very end) means anything to a terminal.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace agent
