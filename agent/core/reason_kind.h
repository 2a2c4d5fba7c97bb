// reason_kind(): the text of a refusal, without what differs from recipient to recipient.
#pragma once

#include <string>
#include <string_view>

namespace agent {

// Returns the same text for like refusals, so that they add up: for a remote server's answer, only
// what the server said. The text has at most 300 bytes, as raw as the log.
[[nodiscard]] std::string reason_kind(std::string_view reason);

}  // namespace agent
