#include "actions/webhook.h"

#include <algorithm>
#include <array>
#include <memory>

#include "actions/curl.h"
#include "actions/program.h"

namespace actions {
namespace {

constexpr std::size_t kMaxAnswer = 400;

std::size_t keep_answer(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& kept = *static_cast<std::string*>(self);
  kept.append(bytes, std::min(size * count, kMaxAnswer - std::min(kMaxAnswer, kept.size())));
  return size * count;
}

// A webhook's path is its password.
std::string shown(const std::string& url) {
  const auto host = url.find("//") + 2;
  return url.substr(0, url.find_first_of("/?#", host));
}

}  // namespace

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
                 cleaned("webhook " + shown(url) + ": " +
                         (problem[0] != '\0' ? problem.data() : curl_easy_strerror(code)))};
  }
  long status = 0;
  curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return Done{};
  return Error{
      Errc::refused, 0,
      cleaned("webhook " + shown(url) + ": answered " + std::to_string(status) + " " + answer)};
}

}  // namespace actions
