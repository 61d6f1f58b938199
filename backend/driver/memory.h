// Memory and MemoryLocks: a store, and locks, that last as long as the process. For tests.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>

#include "base/guarded.h"
#include "driver/local_driver.h"

namespace berth::driver {

class Memory final : public LocalDriver {
public:
  Result<FileInfo> stat(const std::string& path) override;
  Result<std::vector<Entry>> list(const std::string& path, const std::string& after, std::size_t limit) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<Content> open(const std::string& path) override;
  Result<Location> locate(const std::string& path) override;
  Result<> make_directory(const std::string& path) override;
  Result<> put_scratch(const std::string& path, std::string_view bytes) override;
  Result<> put(std::vector<PutFile> files) override;
  Result<Version> put_if(const std::string& path, std::string_view bytes,
                         const std::optional<Version>& expected) override;
  Result<> append(const std::string& path, std::uint64_t offset, const Content& content) override;
  Result<> remove(const std::string& path, Durability durability) override;
  Result<> discard(const std::string& directory) override;
  Result<> settle(const std::string& directory) override;
  Result<> remove_files(const std::string& directory, std::span<const std::string_view> names) override;
  Result<std::unique_ptr<Lock>> make_locked(const std::string& path, std::string_view bytes) override;
  Result<std::unique_ptr<Lock>> lock(const std::string& path) override;

private:
  struct Tree {
    std::map<std::string, std::string> files;     // by path; directories exist as long as something is in them
    std::map<std::string, std::uint64_t> written; // which change a file comes from
    std::set<std::string> locked;
    std::uint64_t changes = 0;
  };
  class MemoryLock;

  Result<std::string> bytes_of(const std::string& path);
  Result<> set(const std::string& path, std::string bytes);
  static void set(Tree& tree, const std::string& path, std::string bytes);

  Guarded<Tree> tree_;
};

class MemoryLocks final : public Locks {
public:
  Result<std::unique_ptr<Lock>> exclusive(const std::string& name) override;
  Result<std::unique_ptr<Lock>> shared(const std::string& name) override;
  Result<std::unique_ptr<Lock>> try_exclusive(const std::string& name) override;

private:
  class Held;
  using Holders = std::map<std::string, int>; // how many share a name; -1: one has it alone

  Guarded<Holders> holders_;
};

} // namespace berth::driver
