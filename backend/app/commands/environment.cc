#include "app/commands/environment.h"

#include <unistd.h>

namespace berth::app {

config::Environment environment_of_process() {
  config::Environment environment;
  for (char** entry = ::environ; *entry != nullptr; ++entry) {
    const std::string_view pair = *entry;
    const std::size_t equals = pair.find('=');
    if (equals != std::string_view::npos) environment.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return environment;
}

} // namespace berth::app
