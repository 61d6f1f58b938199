// libcurl, loaded when something is first to be sent: most registries send nothing, and it brings thirty libraries with
// it (docs/decisions/0024).
#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace berth::client {

// The functions of it that berth uses, by their names there without `curl_`.
struct Libcurl {
  decltype(&::curl_easy_init) easy_init;
  decltype(&::curl_easy_setopt) easy_setopt;
  decltype(&::curl_easy_reset) easy_reset;
  decltype(&::curl_easy_perform) easy_perform;
  decltype(&::curl_easy_getinfo) easy_getinfo;
  decltype(&::curl_easy_strerror) easy_strerror;
  decltype(&::curl_easy_cleanup) easy_cleanup;
  decltype(&::curl_slist_append) slist_append;
  decltype(&::curl_slist_free_all) slist_free_all;
  decltype(&::curl_url) url;
  decltype(&::curl_url_set) url_set;
  decltype(&::curl_url_get) url_get;
  decltype(&::curl_url_cleanup) url_cleanup;
  decltype(&::curl_free) free;
};

// Loaded and initialised once, and never unloaded; what failed is tried again. Errors: io, if it is not installed.
// Threads: safe.
Result<const Libcurl*> libcurl();

} // namespace berth::client
