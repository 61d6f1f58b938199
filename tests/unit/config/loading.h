// Short ways to load a config in a test.
#pragma once

#include <string>

#include "config/config.h"

namespace berth::config {

// What every config needs, on three lines; a test's own keys follow on line 4.
inline const std::string head = "version: 0.1\nstorage:\n  filesystem: {rootdirectory: /srv/registry}\n";

inline Result<Loaded> load_text(const std::string& rest, const Environment& environment = {}) {
  return parse(head + rest, "config.yml", environment);
}

// The config, which must load.
inline Config config_of(const std::string& rest, const Environment& environment = {}) {
  auto loaded = load_text(rest, environment);
  if (!loaded) throw std::runtime_error(loaded.error().message);
  return loaded->config;
}

// The message of a config that must not load; "loaded" if it does.
inline std::string refusal_of(const std::string& rest, const Environment& environment = {}) {
  auto loaded = load_text(rest, environment);
  return loaded ? "loaded" : loaded.error().message;
}

// The warnings of a config that must load, each ended by a newline.
inline std::string warnings_of(const std::string& rest, const Environment& environment = {}) {
  auto loaded = load_text(rest, environment);
  if (!loaded) return "refused: " + loaded.error().message;
  std::string all;
  for (const std::string& warning : loaded->warnings) all += warning + "\n";
  return all;
}

} // namespace berth::config
