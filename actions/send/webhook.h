// JSON to a web address, by libcurl.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "actions/result.h"

namespace actions {

// What may be shown of a URL: "https://chat.example.org:8443", without user and password, which it
// may hold, and without what follows the host, which is a chat system's password. "" if it is no
// URL of the web, as the library reads it that will use it.
[[nodiscard]] std::string shown_address(const std::string& url);

// POSTs `json` to `url` (http or https; no redirect is followed, no proxy asked). Taken is what the
// server answers with 2xx; else its answer is the error's text, cleaned. No error shows more of the
// URL than shown_address().
[[nodiscard]] Result<Done> post_json(const std::string& url, std::string_view json,
                                     std::chrono::milliseconds deadline);

}  // namespace actions
