// Store: the store of a config as a command works on it, beside a registry that may be running: as the user who serves,
// with the locks and the descriptor cache of a pool. Opening it writes nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/pool/descriptor_cache.h"
#include "app/store_parts.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "config/config.h"
#include "storage/registry.h"

namespace berth::app {

class Store {
public:
  // Reads the config, and from here on this process is the user who owns the store. Errors: invalid, also if there is
  // no store; io.
  // immutable: whether tags that are (berth.immutable) can be removed all the same.
  enum class Immutable { stay, may_go };
  static Result<std::unique_ptr<Store>> open(const std::string& config_path, Immutable immutable = Immutable::stay);

  const config::Config& config() const { return config_; }
  registry::Registry& registry() { return *registry_; }
  Logger& logger() { return *logger_; }
  driver::StorageDriver& driver() { return parts_.driver(); }
  driver::Locks& locks() { return parts_.locks(); }
  registry::DescriptorCache* cache() { return cache_.cache.get(); } // null: none
  // When the tag was last made or moved; nothing if that is not known.
  std::optional<Time> tagged(const model::RepositoryName& repository, const model::Tag& tag);

private:
  explicit Store(config::Config config);
  Result<> wire(Immutable immutable);

  const config::Config config_;
  const std::unique_ptr<Logger> logger_;
  SystemClock clock_;
  SystemRandom random_;
  StoreParts parts_;
  CacheParts cache_;
  std::optional<storage::Registry> registry_;
};

// The words of a command that begins with CONFIG: the first is CONFIG, unless REGISTRY_CONFIGURATION_PATH names it and
// the first word is no file.
struct ConfigAndWords {
  std::string config;
  std::vector<std::string> rest;
};
// Errors: invalid if CONFIG is missing.
Result<ConfigAndWords> split_config(std::vector<std::string> words);

// NAME, NAME:TAG or NAME@DIGEST.
struct ImageName {
  model::RepositoryName repository;
  std::optional<model::Reference> reference; // absent: neither is given
};
// Errors: invalid; the message says what is allowed.
Result<ImageName> parse_image_name(const std::string& text);

} // namespace berth::app
