// A message to an SMTP server, by libcurl: works without privileges, also under NoNewPrivileges.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "actions/result.h"

namespace actions {

// To `server` ("127.0.0.1:25") with the null sender <>. Lines of `message` end in LF. All
// recipients or none: one that is refused is an error, whose text is the server's, cleaned.
[[nodiscard]] Result<Done> send_by_smtp(const std::string& server,
                                        const std::vector<std::string>& recipients,
                                        std::string_view message,
                                        std::chrono::milliseconds deadline);

}  // namespace actions
