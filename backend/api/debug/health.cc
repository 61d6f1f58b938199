#include "api/debug/health.h"

namespace berth::api::debug {

void Health::set_failing(const std::string& check, const std::string& why) {
  failing_.with([&](auto& failing) {
    failing[check] = why;
    failing_count_ = failing.size();
  });
  changed_();
}

void Health::set_well(const std::string& check) {
  failing_.with([&](auto& failing) {
    failing.erase(check);
    failing_count_ = failing.size();
  });
  changed_();
}

void Health::set_warning(const std::string& check, const std::string& warning) {
  warnings_.with([&](auto& warnings) {
    if (warning.empty())
      warnings.erase(check);
    else
      warnings[check] = warning;
  });
}

std::map<std::string, std::string> Health::warnings() {
  return warnings_.with([](const auto& warnings) { return warnings; });
}

std::map<std::string, std::string> Health::failing() {
  return failing_.with([](const auto& failing) { return failing; });
}

} // namespace berth::api::debug
