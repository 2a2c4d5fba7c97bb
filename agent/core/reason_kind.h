// The text of a refusal, without what differs from recipient to recipient.
#pragma once

#include <string>
#include <string_view>

namespace agent {

// Like refusals give the same text, so that they add up: of a remote server's answer only what it
// said. At most 300 bytes, as raw as the log.
[[nodiscard]] std::string reason_kind(std::string_view reason);

}  // namespace agent
