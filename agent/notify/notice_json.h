// A notice for programs: what exec has on its standard input and a webhook is sent.
#pragma once

#include <string>
#include <vector>

#include "agent/notify/notice.h"

namespace agent {

// What Notice::data holds of one event ("blocked" or "watched"): the fields of a decision, the
// hosts and the newest recipients.
[[nodiscard]] std::string event_json(const Decision& decision, const Zone& zone,
                                     const std::string& event, const std::string& server);

// {"text": subject, "subject": ..., "message_id": ..., "body": ..., "events": [...]}: "text" is
// what chat servers show.
[[nodiscard]] std::string notice_json(const Notice& notice);

// EXIWARDEN_SUBJECT and so on, "NAME=value". Of several events in one notice, the first one's.
[[nodiscard]] std::vector<std::string> notice_environment(const Notice& notice);

}  // namespace agent
