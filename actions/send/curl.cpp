#include "actions/send/curl.h"

#include <dlfcn.h>

#include <mutex>
#include <optional>
#include <string>

#include "actions/program.h"

namespace actions {
namespace {

// Its ABI is the same since 2006; both builds that distributions have will do.
constexpr const char* kNames[] = {"libcurl.so.4", "libcurl-gnutls.so.4"};

Error cant_load(const std::string& why) {
  return {Errc::not_found, 0, cleaned("libcurl can't be loaded: " + why)};
}

Result<Curl> open_library() {
  void* library = nullptr;
  std::string why;
  for (const auto* name : kNames) {
    library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (library != nullptr) break;
    const char* fault = ::dlerror();
    if (why.empty()) why = fault == nullptr ? name : fault;
  }
  if (library == nullptr) return cant_load(why);
  // It is never closed again: threads of its own may run.
  Curl curl{};
  const char* missing = nullptr;
  const auto find = [&](auto& function, const char* name) {
    function =
        reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
    if (function == nullptr) missing = name;
  };
  find(curl.global_init, "curl_global_init");
  find(curl.init, "curl_easy_init");
  find(curl.cleanup, "curl_easy_cleanup");
  find(curl.setopt, "curl_easy_setopt");
  find(curl.perform, "curl_easy_perform");
  find(curl.getinfo, "curl_easy_getinfo");
  find(curl.strerror, "curl_easy_strerror");
  find(curl.slist_append, "curl_slist_append");
  find(curl.slist_free_all, "curl_slist_free_all");
  if (missing != nullptr) return cant_load(std::string("it lacks ") + missing);
  if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return cant_load("it does not start");
  return curl;
}

}  // namespace

Result<const Curl*> load_curl() {
  static std::mutex mutex;
  static std::optional<Curl> loaded;
  const std::lock_guard lock(mutex);
  if (!loaded) {
    auto opened = open_library();
    if (!opened) return opened.error();
    loaded = opened.value();
  }
  return &*loaded;
}

}  // namespace actions
