// The drivers that the contract is asked of, by their names, and what they stand on.
#pragma once

#include <catch2/catch.hpp>

#include <memory>
#include <string>

#include "contract/object_store.h"
#include "driver/filesystem.h"
#include "driver/memory.h"
#include "unit/temp_dir.h"

namespace berth::test {

class Drivers {
public:
  // memory, filesystem
  std::unique_ptr<driver::LocalDriver> local(const std::string& kind) {
    if (kind == "memory") return std::make_unique<driver::Memory>();
    return std::make_unique<driver::Filesystem>(dir.path() + "/root", ops_, random_);
  }
  // Those, and objects.
  std::unique_ptr<driver::StorageDriver> any(const std::string& kind) {
    if (kind == "objects") return std::make_unique<ObjectDriver>(objects_);
    return local(kind);
  }

  TempDir dir;

private:
  ObjectStore objects_;
  driver::FsOps ops_;
  SystemRandom random_;
};

inline Code error_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

} // namespace berth::test
