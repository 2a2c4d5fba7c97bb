#include "actions/send/smtp.h"

#include <algorithm>
#include <array>

#include "actions/program.h"
#include "actions/send/curl.h"

namespace actions {
namespace {

struct Upload {
  std::string text;
  std::size_t done = 0;
};

std::size_t read_upload(char* buffer, std::size_t size, std::size_t count, void* self) {
  auto& upload = *static_cast<Upload*>(self);
  const auto length = std::min(size * count, upload.text.size() - upload.done);
  std::copy_n(upload.text.data() + upload.done, length, buffer);
  upload.done += length;
  return length;
}

// The server's refusals, for the error text: what it says to the QUIT that follows is none.
std::size_t keep_refusal(char* line, std::size_t size, std::size_t count, void* self) {
  const std::string_view answer(line, size * count);
  auto& kept = *static_cast<std::string*>(self);
  if ((answer.starts_with('4') || answer.starts_with('5')) && kept.size() < 400) {
    kept += (kept.empty() ? "" : " ");
    kept += answer.substr(0, std::min(answer.find_first_of("\r\n"), std::size_t{400}));
  }
  return size * count;
}

}  // namespace

Result<Done> send_by_smtp(const std::string& server, const std::vector<std::string>& recipients,
                          std::string_view message, std::chrono::milliseconds deadline) {
  const auto loaded = load_curl();
  if (!loaded) return loaded.error();
  const Curl& curl = *loaded.value();
  const auto session = curl.start();
  if (!session) return Error{Errc::io, 0, "libcurl does not start"};
  Upload upload;
  for (const char c : message) {
    if (c == '\n') upload.text.push_back('\r');
    upload.text.push_back(c);
  }
  curl_slist* list = nullptr;
  for (const auto& recipient : recipients)
    list = curl.slist_append(list, ("<" + recipient + ">").c_str());
  const auto owner = curl.list(list);

  std::array<char, CURL_ERROR_SIZE> problem{};
  std::string answer;
  const std::string url = "smtp://" + server;
  CURL* handle = session.get();
  curl.setopt(handle, CURLOPT_URL, url.c_str());
  curl.setopt(handle, CURLOPT_PROTOCOLS_STR, "smtp");
  curl.setopt(handle, CURLOPT_PROXY, "");
  curl.setopt(handle, CURLOPT_NOSIGNAL, 1L);
  curl.setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, 5000L);
  curl.setopt(handle, CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
  curl.setopt(handle, CURLOPT_MAIL_FROM, "<>");
  curl.setopt(handle, CURLOPT_MAIL_RCPT, list);
  curl.setopt(handle, CURLOPT_UPLOAD, 1L);
  curl.setopt(handle, CURLOPT_READFUNCTION, &read_upload);
  curl.setopt(handle, CURLOPT_READDATA, &upload);
  curl.setopt(handle, CURLOPT_HEADERFUNCTION, &keep_refusal);
  curl.setopt(handle, CURLOPT_HEADERDATA, &answer);
  curl.setopt(handle, CURLOPT_ERRORBUFFER, problem.data());
  const auto code = curl.perform(handle);
  if (code == CURLE_OK) return Done{};
  const auto errc = code == CURLE_OPERATION_TIMEDOUT ? Errc::timeout : Errc::refused;
  std::string what =
      "smtp " + server + ": " + (problem[0] != '\0' ? problem.data() : curl.strerror(code));
  if (!answer.empty()) what += ": " + answer;
  return Error{errc, 0, cleaned(what)};
}

}  // namespace actions
