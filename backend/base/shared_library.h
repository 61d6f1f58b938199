// SharedLibrary: one that is loaded when it is first needed, because it brings many others with it. Never unloaded.
// Threads: safe.
#pragma once

#include <dlfcn.h>

#include <string>

#include "base/result.h"

namespace berth {

class SharedLibrary {
public:
  // Errors: io, with the loader's text.
  static Result<SharedLibrary> open(const char* file_name) {
    void* const handle = ::dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return fail(Code::io, ::dlerror());
    return SharedLibrary(handle);
  }

  // Sets the function, or appends its name to what is missing.
  template <class Function>
  void find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(::dlsym(handle_, name));
    if (function == nullptr) (missing_ += missing_.empty() ? "it has no " : ", ") += name;
  }

  // Errors: io, if a function was not found.
  Result<> check() const {
    if (!missing_.empty()) return fail(Code::io, missing_);
    return {};
  }

private:
  explicit SharedLibrary(void* handle) : handle_(handle) {}

  void* handle_;
  std::string missing_;
};

} // namespace berth
