#include "actions/send/webhook.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <system_error>

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

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_name_byte(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.' ||
         c == '_';
}

bool is_ipv6(std::string_view text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, std::string(text).c_str(), &address) == 1;
}

bool is_port(std::string_view text) {
  unsigned value = 0;
  const auto* const end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, value);
  return read.ec == std::errc() && read.ptr == end && value > 0 && value <= 65535;
}

}  // namespace

// Strict: what libcurl would mend, or reads in its own way, is no address here.
std::string shown_address(const std::string& url) {
  std::string_view rest = url;
  const auto colon = rest.find("://");
  if (colon == std::string_view::npos) return {};
  const auto scheme = lower(rest.substr(0, colon));
  if (scheme != "http" && scheme != "https") return {};
  rest.remove_prefix(colon + 3);
  auto authority = rest.substr(0, rest.find_first_of("/?#\\"));
  if (authority.size() < rest.size() && rest[authority.size()] == '\\') return {};
  const auto at = authority.find('@');
  if (at != std::string_view::npos) authority.remove_prefix(at + 1);
  const bool bracketed = authority.starts_with('[');
  const auto host_size = bracketed ? authority.find(']') : authority.find(':');
  auto host = authority.substr(0, host_size);
  auto port = authority.substr(host.size());
  if (bracketed) {
    if (port.empty()) return {};
    port.remove_prefix(1);
    const auto zone = std::min(host.find('%'), host.size());  // of a link
    if (!std::all_of(host.begin() + static_cast<std::ptrdiff_t>(zone), host.end(),
                     [](char c) { return c == '%' || is_name_byte(c); }))
      return {};
    host = host.substr(0, zone);
    if (!is_ipv6(host.substr(1))) return {};
  } else if (host.empty() || !std::all_of(host.begin(), host.end(), is_name_byte)) {
    return {};
  }
  if (port == ":") port = {};
  if (!port.empty() && (port[0] != ':' || !is_port(port.substr(1)))) return {};
  return scheme + "://" + std::string(host) + (bracketed ? "]" : "") + std::string(port);
}

Result<Done> post_json(const std::string& url, std::string_view json,
                       std::chrono::milliseconds deadline) {
  const auto loaded = load_curl();
  if (!loaded) return loaded.error();
  const Curl& curl = *loaded.value();
  const auto session = curl.start();
  if (!session) return Error{Errc::io, 0, "libcurl does not start"};
  const auto headers = curl.list(curl.slist_append(nullptr, "Content-Type: application/json"));
  std::array<char, CURL_ERROR_SIZE> problem{};
  std::string answer;
  CURL* handle = session.get();
  curl.setopt(handle, CURLOPT_URL, url.c_str());
  curl.setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https");
  curl.setopt(handle, CURLOPT_PROXY, "");
  curl.setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl.setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
  curl.setopt(handle, CURLOPT_USERAGENT, "exiwarden");
  curl.setopt(handle, CURLOPT_HTTPHEADER, headers.get());
  curl.setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
  curl.setopt(handle, CURLOPT_POSTFIELDS, json.data());
  curl.setopt(handle, CURLOPT_WRITEFUNCTION, &keep_answer);
  curl.setopt(handle, CURLOPT_WRITEDATA, &answer);
  curl.setopt(handle, CURLOPT_ERRORBUFFER, problem.data());
  const auto code = curl.perform(handle);
  if (code != CURLE_OK) {
    const auto errc = code == CURLE_OPERATION_TIMEDOUT ? Errc::timeout : Errc::refused;
    return Error{errc, 0,
                 cleaned("webhook " + shown_address(url) + ": " +
                         (problem[0] != '\0' ? problem.data() : curl.strerror(code)))};
  }
  long status = 0;
  curl.getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return Done{};
  return Error{Errc::refused, 0,
               cleaned("webhook " + shown_address(url) + ": answered " + std::to_string(status) +
                       " " + answer)};
}

}  // namespace actions
