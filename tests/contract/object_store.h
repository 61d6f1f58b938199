// ObjectStore: what an object store has, in memory: whole objects under keys, PUT (with a condition), GET of a range,
// HEAD, LIST in pages, COPY, DELETE. It counts what is asked of it, for a bill. ObjectDriver: a StorageDriver over it,
// with the keys of docker/distribution's s3 driver. Nothing has a version of a directory, a lock or a file to append
// to.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "base/guarded.h"
#include "driver/storage_driver.h"

namespace berth::test {

// How often each kind of request was made, and how many bytes went each way.
struct Bill {
  int puts = 0, gets = 0, heads = 0, lists = 0, copies = 0, deletes = 0;
  std::size_t bytes_up = 0, bytes_down = 0;
  int calls() const { return puts + gets + heads + lists + copies + deletes; }
};

class ObjectStore {
public:
  static constexpr std::size_t page = 3; // keys and prefixes of a LIST

  struct Listed {
    std::vector<std::string> keys, prefixes;
    bool more = false;
  };

  void put(const std::string& key, std::string bytes);
  // Errors: not_found.
  Result<std::string> get(const std::string& key, std::size_t offset = 0, std::size_t size = driver::no_limit);
  Result<std::size_t> head(const std::string& key);
  // Keys that begin with prefix and come after `after`; those with a slash behind the prefix as prefixes of one level.
  Listed list(const std::string& prefix, const std::string& after);
  Result<> copy(const std::string& from, const std::string& to);
  void remove(const std::vector<std::string>& keys); // one request

  Bill bill();
  void forget_bill();

private:
  struct State {
    std::map<std::string, std::string> objects;
    Bill bill;
  };
  Guarded<State> state_;
};

class ObjectDriver final : public driver::StorageDriver {
public:
  explicit ObjectDriver(ObjectStore& store) : store_(store) {}

  Result<driver::FileInfo> stat(const std::string& path) override;
  Result<std::vector<driver::Entry>> list(const std::string& path, const std::string& after,
                                          std::size_t limit) override;
  Result<std::string> get_content(const std::string& path, std::size_t max_bytes) override;
  Result<Content> open(const std::string& path) override;
  Result<Location> locate(const std::string& path) override;
  Result<> put_scratch(const std::string& path, std::string_view bytes) override;
  Result<> put(std::vector<driver::PutFile> files) override;
  Result<> remove(const std::string& path, driver::Durability durability) override;
  Result<> discard(const std::string& directory) override;
  Result<> settle(const std::string& directory) override;

private:
  bool is_directory(const std::string& path);

  ObjectStore& store_;
};

} // namespace berth::test
