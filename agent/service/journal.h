// send_to_journal() and journal_fields(): the system's journal, where the service's own log goes if
// systemd started it. Entries have fields, so that "journalctl EXIM_USER=bob" finds all about one
// sender.
#pragma once

#include <string>
#include <vector>

#include "agent/core/decision.h"
#include "agent/values/zone.h"

namespace agent {

enum class News { blocked, watched, trial };

// Returns true if standard output and error lead to the journal (JOURNAL_STREAM): what is sent to
// it need not be printed too.
[[nodiscard]] bool journal_is_there();

// Returns the fields, each "NAME=value". Values are printable: what reads the journal shows them.
[[nodiscard]] std::vector<std::string> journal_fields(const Decision& decision, News news,
                                                      const Zone& zone);

// Returns false if the journal did not take it; what is printed reaches it another way.
[[nodiscard]] bool send_to_journal(const std::vector<std::string>& fields);
// `priority` as in syslog: 4 warning, 6 info.
[[nodiscard]] bool send_to_journal(const std::string& text, int priority);

}  // namespace agent
