// Starts libcurl; all users of the library begin with this.
#pragma once

#include <curl/curl.h>

#include <memory>

namespace actions {

using CurlHandle = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

// Returns null if the library does not start.
inline CurlHandle start_curl() {
  static const bool started = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  return {started ? curl_easy_init() : nullptr, &curl_easy_cleanup};
}

}  // namespace actions
