// The secrets of a registry: small files in berth.statedirectory, made at the first start and the same after a restart
// and in every pool that serves the store.
#pragma once

#include <functional>
#include <string>

#include "base/random.h"
#include "base/result.h"

namespace berth::app {

struct StateFile {
  std::string name; // of the file
  std::function<Result<std::string>()> make;
  std::function<Result<>(const std::string& text)> check; // Errors: invalid, what is wrong with it
};

// Reads <directory>/<name>, or makes it: mode 0600, durable before it is used. Of several processes that make it at
// once, one wins. Errors: io; invalid if the file holds something else; those of make.
Result<std::string> load_or_create(const std::string& directory, const StateFile& file, Random& random);

// The key that signs upload states, where the config names none: 32 random bytes in hexadecimal, in
// <directory>/secret, so that uploads go on elsewhere and later.
Result<std::string> kept_secret(const std::string& directory, Random& random);

} // namespace berth::app
