// Sends a message to an SMTP server, by libcurl: works without privileges, also under
// NoNewPrivileges.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

// Sends to `server` ("127.0.0.1:25") with the null sender <>. Lines of `message` end in LF. All
// recipients get it or none: a refused recipient is an error, with the server's text, cleaned.
[[nodiscard]] Result<Done> send_by_smtp(const std::string& server,
                                        const std::vector<std::string>& recipients,
                                        std::string_view message,
                                        std::chrono::milliseconds deadline);

}  // namespace actions
