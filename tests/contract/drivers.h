// The drivers that the contract is asked of, by their names, and what they stand on.
#pragma once

#include <catch2/catch.hpp>

#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "contract/object_store.h"
#include "driver/filesystem.h"
#include "driver/memory.h"
#include "driver/s3/s3_driver.h"
#include "unit/temp_dir.h"

namespace berth::test {

// A bucket at a server that tests/system/test_s3.py has started: "BUCKET http://127.0.0.1:PORT", its keys in AWS's
// variables. Empty: there is none.
inline std::string bucket_of_tests() {
  const char* const text = std::getenv("BERTH_TEST_S3");
  return text == nullptr ? "" : text;
}

// All that any() takes, here and now.
inline std::vector<std::string> all_drivers() {
  if (!bucket_of_tests().empty()) return {"s3"};
  return {"memory", "filesystem", "objects"};
}

// A directory of its own in the bucket, with what a driver there stands on.
class InBucket {
public:
  std::unique_ptr<driver::StorageDriver> make() {
    const std::string text = bucket_of_tests();
    const std::size_t blank = text.find(' ');
    const auto variable = [](const char* name) -> std::string {
      const char* const value = std::getenv(name);
      return value == nullptr ? "" : value;
    };
    credentials_ = *driver::s3::find_credentials({}, variable);
    driver::s3::Options options;
    options.bucket = text.substr(0, blank);
    options.endpoint = text.substr(blank + 1);
    options.region = "us-east-1";
    options.path_style = true;
    requests_.emplace(std::move(options), *credentials_, clock_, random_, logger_);
    bucket_.emplace(*requests_);
    static int made = 0;
    return std::make_unique<driver::s3::S3Driver>(*bucket_,
                                                  "tests/" + std::to_string(::getpid()) + "-" + std::to_string(++made));
  }
  driver::s3::Bucket& bucket() { return *bucket_; }

private:
  SystemClock clock_;
  SystemRandom random_;
  NullLogger logger_;
  std::unique_ptr<driver::s3::CredentialSource> credentials_;
  std::optional<driver::s3::Requests> requests_;
  std::optional<driver::s3::Bucket> bucket_;
};

class Drivers {
public:
  // memory, filesystem
  std::unique_ptr<driver::LocalDriver> local(const std::string& kind) {
    if (kind == "memory") return std::make_unique<driver::Memory>();
    return std::make_unique<driver::Filesystem>(dir.path() + "/root", ops_, random_);
  }
  // Those, objects and s3.
  std::unique_ptr<driver::StorageDriver> any(const std::string& kind) {
    if (kind == "s3") return in_bucket_.make();
    if (kind == "objects") return std::make_unique<ObjectDriver>(objects_);
    return local(kind);
  }

  TempDir dir;

private:
  ObjectStore objects_;
  InBucket in_bucket_;
  driver::FsOps ops_;
  SystemRandom random_;
};

inline Code error_of(const auto& result) {
  REQUIRE_FALSE(result);
  return result.error().code;
}

} // namespace berth::test
