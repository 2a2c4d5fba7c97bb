// A notice as JSON for programs: the standard input of exec, and the body for a webhook.
#pragma once

#include <string>
#include <vector>

#include "agent/notify/notice.h"

namespace agent {

// Returns what Notice::data holds for one event ("blocked" or "watched"): the fields of a decision,
// the hosts and the newest recipients.
[[nodiscard]] std::string event_json(const Decision& decision, const Zone& zone,
                                     const std::string& event, const std::string& server);

// Returns {"text": subject, "subject": ..., "message_id": ..., "body": ..., "events": [...]}:
// "text" is what chat servers show.
[[nodiscard]] std::string notice_json(const Notice& notice);

// Returns EXIWARDEN_SUBJECT and so on, as "NAME=value"; for several events in a notice, of the
// first.
[[nodiscard]] std::vector<std::string> notice_environment(const Notice& notice);

// The identity that a notice is about, of several events the first; "" if it is about none.
struct NoticeSubject {
  std::string kind, identity;
};
[[nodiscard]] NoticeSubject subject_of(const Notice& notice);

}  // namespace agent
