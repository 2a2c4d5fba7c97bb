#include "actions/send/webhook.h"

#include <algorithm>
#include <array>
#include <memory>

#include "actions/program.h"
#include "actions/send/curl.h"

namespace actions {
namespace {

constexpr std::size_t kMaxAnswer = 400;

std::size_t keep_answer(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& kept = *static_cast<std::string*>(self);
  kept.append(bytes, std::min(size * count, kMaxAnswer - std::min(kMaxAnswer, kept.size())));
  return size * count;
}

}  // namespace

std::string shown_address(const std::string& url) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> parsed(curl_url(), &curl_url_cleanup);
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) return {};
  const auto part = [&](CURLUPart which) {
    char* text = nullptr;
    const bool there = curl_url_get(parsed.get(), which, &text, 0) == CURLUE_OK;
    const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
    return std::string(there ? text : "");
  };
  const auto scheme = part(CURLUPART_SCHEME), port = part(CURLUPART_PORT);
  if (scheme != "http" && scheme != "https") return {};
  return scheme + "://" + part(CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

Result<Done> post_json(const std::string& url, std::string_view json,
                       std::chrono::milliseconds deadline) {
  const auto curl = start_curl();
  if (!curl) return Error{Errc::io, 0, "libcurl does not start"};
  const std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers(
      curl_slist_append(nullptr, "Content-Type: application/json"), &curl_slist_free_all);
  std::array<char, CURL_ERROR_SIZE> problem{};
  std::string answer;
  CURL* handle = curl.get();
  curl_easy_setopt(handle, CURLOPT_URL, url.c_str());
  curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(handle, CURLOPT_PROXY, "");
  curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
  curl_easy_setopt(handle, CURLOPT_USERAGENT, "exiwarden");
  curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
  curl_easy_setopt(handle, CURLOPT_POSTFIELDS, json.data());
  curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, &keep_answer);
  curl_easy_setopt(handle, CURLOPT_WRITEDATA, &answer);
  curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, problem.data());
  const auto code = curl_easy_perform(handle);
  if (code != CURLE_OK) {
    const auto errc = code == CURLE_OPERATION_TIMEDOUT ? Errc::timeout : Errc::refused;
    return Error{errc, 0,
                 cleaned("webhook " + shown_address(url) + ": " +
                         (problem[0] != '\0' ? problem.data() : curl_easy_strerror(code)))};
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return Done{};
  return Error{Errc::refused, 0,
               cleaned("webhook " + shown_address(url) + ": answered " + std::to_string(status) +
                       " " + answer)};
}

}  // namespace actions
