// JSON to a web address, by libcurl.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "actions/result.h"

namespace actions {

// POSTs `json` to `url` (http or https; no redirect is followed, no proxy asked). Taken is what the
// server answers with 2xx; else its answer is the error's text, cleaned. The url's own secrets
// (what follows the host) are in no error.
[[nodiscard]] Result<Done> post_json(const std::string& url, std::string_view json,
                                     std::chrono::milliseconds deadline);

}  // namespace actions
