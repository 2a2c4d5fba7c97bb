// A notice: the mail that tells the abuse desk of a decision. It names the sender, the count, the
// time, the hosts and the recipients, the line that was written into a list, and the commands to
// inspect, release or delete the mail.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
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
  std::string data;  // one JSON object per line for each event, for programs
  std::string page;  // HTML to attach where it goes by mail; empty: none
  bool operator==(const Notice&) const = default;
};

struct NoticeContext {
  std::string host;         // this machine's name
  std::string config_path;  // empty for the default
  std::string list_line;    // as written, without newline
  std::string exim_binary;
  // Exim bounces frozen mail at this age; nullopt: never, as far as is known.
  std::optional<std::chrono::seconds> frozen_kept;
  std::string subject, body;  // templates; empty for the built-in texts
  // The identity stands for others (identity_map), so that exipick could not find their mail.
  bool mapped = false;
};

[[nodiscard]] Notice compose_notice(const Decision& decision, const Zone& zone, Instant now,
                                    const NoticeContext& context);

// Returns a Message-ID that is the same for the same `what`.
[[nodiscard]] std::string notice_id(const std::string& what, const std::string& host);

// For a sender that comes near a limit; nothing was done yet.
[[nodiscard]] Notice compose_watch(const Decision& decision, const Zone& zone, Instant now,
                                   const NoticeContext& context);

// For a log that is silent for unusually long: nothing is counted, whatever is sent.
[[nodiscard]] Notice compose_silence(const Silences::News& news, const Zone& zone, Instant now,
                                     const std::string& host);

// Puts the notice into the site's own words, where the context has templates, and its data into
// JSON. `event`: as name_of(Edge); `commands`: what to do, for the template.
void apply_templates(const Decision& decision, const Zone& zone, const NoticeContext& context,
                     const char* event, const std::string& commands, Notice& notice);

// Combines at least two notices in one mail: first their subjects, then each in full as far as
// there is room.
[[nodiscard]] Notice compose_digest(const std::vector<const Notice*>& notices,
                                    const std::string& host);

// Returns any bytes but NUL as one word for a POSIX shell, fit to be pasted into an interactive
// one: no byte in it (except newlines at the very end) means anything to a terminal.
[[nodiscard]] std::string shell_word(std::string_view text);

}  // namespace agent
