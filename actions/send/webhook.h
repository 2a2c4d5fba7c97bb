// Sends JSON to a web address, by libcurl.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "actions/result.h"

namespace actions {

// Returns the part of a URL that may be shown: "https://chat.example.org:8443". That is without a
// user and password, and without the part behind the host, which is a chat system's password.
// Returns "" if it is no web URL. libcurl, which will use it, is not asked: to load it for the sake
// of a configuration's check takes too long.
[[nodiscard]] std::string shown_address(const std::string& url);

// POSTs `json` to `url` (http or https; no redirect is followed, no proxy is asked). The
// notice is accepted if the server answers with 2xx; else the answer is the error's text, cleaned.
// No error shows more of the URL than shown_address().
[[nodiscard]] Result<Done> post_json(const std::string& url, std::string_view json,
                                     std::chrono::milliseconds deadline);

}  // namespace actions
