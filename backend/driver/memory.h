// Memory: a store that lasts as long as the process. For tests, and for trying berth out.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include "base/guarded.h"
#include "driver/storage_driver.h"

namespace berth::driver {

class Memory final : public StorageDriver {
public:
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& path) override;
  Result<std::vector<std::string>> list_directories(const std::string& path) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<Content> open(const std::string& path) override;
  Result<Location> locate(const std::string& path) override;
  Result<> make_directory(const std::string& path) override;
  Result<> put_scratch(const std::string& path, std::string_view bytes) override;
  Result<> put(std::vector<PutFile> files) override;
  Result<> append(const std::string& path, std::uint64_t offset, const Content& content) override;
  Result<> remove(const std::string& path, Durability durability) override;
  Result<> discard(const std::string& directory) override;
  Result<> settle(const std::string& directory) override;
  Result<> remove_files(const std::string& directory, std::span<const std::string_view> names) override;
  Result<std::unique_ptr<Lock>> make_locked(const std::string& path, std::string_view bytes) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;
  Result<std::unique_ptr<Lock>> lock_waiting(const std::string& path) override;
  Result<std::unique_ptr<Lock>> share(const std::string& path) override;

private:
  struct Tree {
    std::map<std::string, std::string> files; // by path; directories exist as long as something is in them
    std::set<std::string> locked;
    std::multiset<std::string> shared;
    std::int64_t changes = 0;
  };
  class MemoryLock;
  class SharedLock;

  Result<std::string> bytes_of(const std::string& path);
  Result<> set(const std::string& path, std::string bytes);

  Guarded<Tree> tree_;
};

} // namespace berth::driver
