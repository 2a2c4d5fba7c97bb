// Curl: libcurl, loaded when something is handed over by it. Some thirty libraries come with it
// (LDAP, Kerberos, SSH), and to load those takes longer than most commands do.
#pragma once

#include <curl/curl.h>

#include <memory>

#include "actions/result.h"

namespace actions {

// The functions of the library that are used.
struct Curl {
  decltype(&::curl_global_init) global_init;
  decltype(&::curl_easy_init) init;
  decltype(&::curl_easy_cleanup) cleanup;
  decltype(&::curl_easy_setopt) setopt;
  decltype(&::curl_easy_perform) perform;
  decltype(&::curl_easy_getinfo) getinfo;
  decltype(&::curl_easy_strerror) strerror;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;

  using Handle = std::unique_ptr<CURL, decltype(&::curl_easy_cleanup)>;
  using List = std::unique_ptr<curl_slist, decltype(&::curl_slist_free_all)>;
  // Returns null if there is no memory.
  [[nodiscard]] Handle start() const { return {init(), cleanup}; }
  [[nodiscard]] List list(curl_slist* first) const { return {first, slist_free_all}; }
};

// Returns the library, or why it can't be loaded; the next call tries again. Safe from several
// threads.
[[nodiscard]] Result<const Curl*> load_curl();

}  // namespace actions
