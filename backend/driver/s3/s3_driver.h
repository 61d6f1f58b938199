// S3Driver: a store in a bucket, under docker/distribution's keys: the root directory and the path, without a slash
// before them (docs/decisions/0050).
//
// A version is an ETag: two files with the same bytes may have the same one. Directories have none, and no time.
// A directory that is removed goes a thousand objects at a time: a reader may see some of it for a while.
// Threads: safe. Borrows: the bucket.
#pragma once

#include <string>
#include <vector>

#include "driver/s3/bucket.h"
#include "driver/storage_driver.h"

namespace berth::driver::s3 {

class S3Driver final : public StorageDriver {
public:
  // root_directory: without slashes around it; empty: the top of the bucket.
  S3Driver(Bucket& bucket, std::string root_directory);

  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<Entry>> list(const std::string& path, const std::string& after, std::size_t limit) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<Content> open(const std::string& path) override;
  Result<Location> locate(const std::string& path) override; // a URL, whether or not the file is there
  Result<> put_scratch(const std::string& path, std::string_view bytes) override;
  Result<> put(std::vector<PutFile> files) override;
  Result<Version> put_if(const std::string& path, std::string_view bytes,
                         const std::optional<Version>& expected) override;
  Result<> remove(const std::string& path, Durability durability) override;
  Result<> discard(const std::string& directory) override;
  Result<> settle(const std::string& directory) override;

private:
  class Object;

  // Errors: invalid.
  Result<std::string> key_of(const std::string& path) const;
  Result<> put_content(const std::string& key, const Content& content);
  // Returns whether there was anything.
  Result<bool> remove_below(const std::string& key);

  Bucket& bucket_;
  const std::string prefix_; // of all keys: empty, or with its last slash
};

} // namespace berth::driver::s3
