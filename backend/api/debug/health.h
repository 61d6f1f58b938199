// Health: which checks fail now. Whoever makes the checks reports; while one fails, the registry answers 503.
// Threads: safe.
// Spec: docker/distribution's health package; docs/operations.md, "Health".
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <utility>

#include "base/guarded.h"

namespace berth::api::debug {

class Health {
public:
  // The name of the check that POST /debug/health/down and up make.
  static constexpr const char* manual = "manual_http_status";

  // Calls changed after each change, in the thread that made it. Requires: no check has been reported.
  void on_change(std::function<void()> changed) { changed_ = std::move(changed); }

  void set_failing(const std::string& check, const std::string& why);
  void set_well(const std::string& check);
  // What somebody should look at, and what fails nothing. Empty: nothing any more.
  void set_warning(const std::string& check, const std::string& warning);

  bool is_well() const { return failing_count_.load(std::memory_order_relaxed) == 0; } // cheap: asked for each request
  std::map<std::string, std::string> failing();                                        // why, by name
  std::map<std::string, std::string> warnings();                                       // the same

private:
  Guarded<std::map<std::string, std::string>> failing_, warnings_;
  std::atomic<std::size_t> failing_count_ = 0;
  std::function<void()> changed_ = [] {};
};

} // namespace berth::api::debug
