#include "client/libcurl.h"

#include <dlfcn.h>

#include <mutex>
#include <optional>

namespace berth::client {
namespace {

constexpr const char* file_name = "libcurl.so.4"; // since 2006

template <typename Function>
bool find(void* library, const char* name, Function& function) {
  function = reinterpret_cast<Function>(::dlsym(library, name));
  return function != nullptr;
}

Result<Libcurl> load() {
  void* library = ::dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
  Libcurl curl{};
  decltype(&::curl_global_init) global_init = nullptr;
  const bool whole =
      library != nullptr && find(library, "curl_global_init", global_init) &&
      find(library, "curl_easy_init", curl.easy_init) && find(library, "curl_easy_setopt", curl.easy_setopt) &&
      find(library, "curl_easy_perform", curl.easy_perform) && find(library, "curl_easy_getinfo", curl.easy_getinfo) &&
      find(library, "curl_easy_strerror", curl.easy_strerror) &&
      find(library, "curl_easy_cleanup", curl.easy_cleanup) && find(library, "curl_slist_append", curl.slist_append) &&
      find(library, "curl_slist_free_all", curl.slist_free_all);
  if (!whole) return fail(Code::io, std::string("cannot send over HTTP: ") + ::dlerror());
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
    BERTH_TRY(loaded, load());
  }
  return &*loaded;
}

} // namespace berth::client
