// REGISTRY_* variables laid over a document, as docker/distribution does it: REGISTRY_HTTP_TLS_KEY is http.tls.key, its
// value is YAML; in the order of their names, so that REGISTRY_STORAGE comes before REGISTRY_STORAGE_FILESYSTEM_….
// Spec: docs/configuration.md, "Environment".
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "config/node.h"

namespace berth::config {

inline constexpr std::size_t max_variables = 1000;

// Changes root. A variable that names no key is a warning. Errors: invalid.
Result<> apply(const Environment& environment, Node& root, std::vector<std::string>& warnings);

} // namespace berth::config
