#include "client/libcurl.h"

#include <mutex>
#include <optional>

#include "base/shared_library.h"

namespace berth::client {
namespace {

constexpr const char* file_name = "libcurl.so.4"; // since 2006

Result<Libcurl> load() {
  BERTH_TRY(SharedLibrary library, SharedLibrary::open(file_name));
  Libcurl curl{};
  decltype(&::curl_global_init) global_init = nullptr;
  library.find("curl_global_init", global_init);
  library.find("curl_easy_init", curl.easy_init);
  library.find("curl_easy_setopt", curl.easy_setopt);
  library.find("curl_easy_reset", curl.easy_reset);
  library.find("curl_easy_perform", curl.easy_perform);
  library.find("curl_easy_getinfo", curl.easy_getinfo);
  library.find("curl_easy_strerror", curl.easy_strerror);
  library.find("curl_easy_cleanup", curl.easy_cleanup);
  library.find("curl_slist_append", curl.slist_append);
  library.find("curl_slist_free_all", curl.slist_free_all);
  library.find("curl_url", curl.url);
  library.find("curl_url_set", curl.url_set);
  library.find("curl_url_get", curl.url_get);
  library.find("curl_url_cleanup", curl.url_cleanup);
  library.find("curl_free", curl.free);
  BERTH_CHECK(library.check());
  // libcurl wants it before there is a second handle.
  if (global_init(CURL_GLOBAL_ALL) != CURLE_OK) return fail(Code::io, "curl_global_init failed");
  return curl;
}

} // namespace

Result<const Libcurl*> libcurl() {
  static std::mutex mutex;
  static std::optional<Libcurl> loaded;
  const std::lock_guard lock(mutex);
  if (!loaded) {
    auto made = load();
    if (!made) return fail(Code::io, "cannot send over HTTP: " + made.error().message);
    loaded = *made;
  }
  return &*loaded;
}

} // namespace berth::client
