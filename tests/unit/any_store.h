// AnyStore: what a test's registry stands on: files in memory, or what BERTH_TEST_STORE names: a file system, or
// objects. A test that is about docker/distribution's form of uploads has the tag [files], and is left out on objects.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "contract/object_store.h"
#include "driver/filesystem.h"
#include "driver/memory.h"
#include "storage/uploads/file_uploads.h"
#include "storage/uploads/object_uploads.h"
#include "unit/temp_dir.h"

namespace berth::test {

class AnyStore {
public:
  // random: for the names of uploads.
  AnyStore(const Clock& clock, Random& random, std::string kind = asked_for()) : kind_(std::move(kind)) {
    if (has_objects()) {
      driver_ = std::make_unique<ObjectDriver>(objects_, ObjectDriver::Sends::bytes);
      uploads_ = std::make_unique<storage::ObjectUploads>(*driver_, clock, random);
      return;
    }
    std::unique_ptr<driver::LocalDriver> files;
    if (kind_ == "memory") {
      files = std::make_unique<driver::Memory>();
    } else {
      directory_ = std::make_unique<TempDir>();
      files = std::make_unique<driver::Filesystem>(directory_->path() + "/root", ops_, random_);
    }
    uploads_ = std::make_unique<storage::FileUploads>(*files, clock, random);
    driver_ = std::move(files);
  }

  driver::StorageDriver& driver() { return *driver_; }
  storage::UploadStore& uploads() { return *uploads_; }
  bool has_objects() const { return kind_ == "objects"; }

private:
  static std::string asked_for() {
    const char* kind = std::getenv("BERTH_TEST_STORE");
    return kind != nullptr ? kind : "memory";
  }

  std::string kind_;
  ObjectStore objects_;
  driver::FsOps ops_;
  SystemRandom random_;
  std::unique_ptr<TempDir> directory_;
  std::unique_ptr<driver::StorageDriver> driver_;
  std::unique_ptr<storage::UploadStore> uploads_;
};

} // namespace berth::test
