// The system's journal, where the service's own log goes if systemd started it: entries with
// fields, so that "journalctl EXIM_USER=bob" finds all of one sender.
#pragma once

#include <string>
#include <vector>

#include "agent/core/decision.h"
#include "agent/core/zone.h"

namespace agent {

enum class News { blocked, watched };

// Are standard output and error the journal's (JOURNAL_STREAM)? Then what is sent to it need not be
// printed too.
[[nodiscard]] bool journal_is_there();

// Each "NAME=value". The values are printable: what reads the journal shows them.
[[nodiscard]] std::vector<std::string> journal_fields(const Decision& decision, News news,
                                                      const Zone& zone);

// False: the journal did not take it; what is printed reaches it another way.
[[nodiscard]] bool send_to_journal(const std::vector<std::string>& fields);
// `priority` as in syslog: 4 warning, 6 info.
[[nodiscard]] bool send_to_journal(const std::string& text, int priority);

}  // namespace agent
