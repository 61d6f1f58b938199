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

std::map<std::string, std::string> Health::failing() {
  return failing_.with([](const auto& failing) { return failing; });
}

} // namespace berth::api::debug
